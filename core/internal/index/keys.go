package index

import (
	"bytes"
	"encoding/binary"

	"github.com/gantrymq/gantry/core/record"
)

const (
	propKeys     = "KEYS"
	keySeparator = ' '
)

// key is one row of a part's keys: a message by one of its keys.
type key struct {
	hash uint64
	pos  uint32
}

func (k *key) put(b []byte) {
	binary.LittleEndian.PutUint64(b, k.hash)
	binary.LittleEndian.PutUint32(b[hashSize:], k.pos)
}

// HashKey returns the hash that a message is found by: FNV-1a over its topic, '#'
// and the key, which is its UNIQ_KEY or one of the words of its KEYS. Different
// keys may have the same: who looks one up compares the message.
func HashKey[T string | []byte](topic, key T) uint64 {
	h := uint64(fnvOffset)
	for i := range len(topic) {
		h = (h ^ uint64(topic[i])) * fnvPrime
	}
	h = (h ^ '#') * fnvPrime
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * fnvPrime
	}
	return h
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// maxWords bounds the words of KEYS that enter the index, so that a segment's
// keys never take more memory than the segment: no honest message has as many.
func maxWords(recordSize int) int { return max(16, recordSize/16) }

// EachKey passes the hashes of a message's keys to fn. A key may come twice.
func EachKey(w record.Wire, recordSize int, fn func(hash uint64)) {
	topic, words := w.Topic(), maxWords(recordSize)
	name, value, rest, ok := record.NextProperty(w.Properties())
	for ; ok; name, value, rest, ok = record.NextProperty(rest) {
		switch string(name) {
		case record.PropUniqueKey:
			fn(HashKey(topic, value))
		case propKeys:
			for len(value) > 0 && words > 0 {
				var word []byte
				word, value = nextWord(value)
				if len(word) > 0 {
					fn(HashKey(topic, word))
					words--
				}
			}
		}
	}
}

func nextWord(text []byte) (word, rest []byte) {
	if i := bytes.IndexByte(text, keySeparator); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, nil
}
