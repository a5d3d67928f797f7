// Package model holds the nouns that core and the shard loop share: names of
// shards, queues and offsets, error codes, topic and group settings. It has no
// behaviour beyond validation, and everything in it is aliased in package core,
// which is where listeners find it.
package model
