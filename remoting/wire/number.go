package wire

// parseInt reads a decimal integer of at most bits bits, sign included.
func parseInt(b []byte, bits int) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	limit := uint64(1) << (bits - 1)
	if negative {
		return -int64(n), n <= limit
	}
	return int64(n), n < limit
}

// parseBool reads a boolean as the clients write it.
func parseBool(b []byte) (value, ok bool) {
	switch string(b) {
	case "true", "1", "TRUE", "True":
		return true, true
	case "false", "0", "FALSE", "False", "":
		return false, true
	}
	return false, false
}
