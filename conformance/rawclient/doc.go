// Package rawclient speaks just enough of RocketMQ's remoting protocol to send,
// pull and ask for routes, with exact knowledge of what was asked and what was
// answered: no retries, no caches, no recovery. It is written from the protocol
// and shares no code with the server.
package rawclient
