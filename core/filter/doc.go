// Package filter decides which messages a consumer wants: tag expressions now,
// SQL92 later. It is pure, and the one place where both are defined.
package filter
