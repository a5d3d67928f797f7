package record

// Setting keeps a text under a name, for listeners and tools: the server itself has
// no use for it. An empty value takes it away.
type Setting struct{ Key, Value string }

func (*Setting) kind() Kind { return KindSetting }

func (r *Setting) size() int { return stringLen(r.Key) + stringLen(r.Value) }

func (r *Setting) append(dst []byte) []byte { return appendString(appendString(dst, r.Key), r.Value) }

func (r *Setting) decode(d *decoder) { r.Key, r.Value = d.string(), d.string() }
