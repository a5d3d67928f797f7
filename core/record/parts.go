package record

// Message returns the message in its parts, as it was before it was placed. The
// body and the properties alias w.
func (w Wire) Message() Message {
	return Message{
		Flag: w.i32(posFlag), SysFlag: w.SysFlag(), Born: w.i64(posBorn), BornHost: w.BornHost(),
		ReconsumeTimes: w.ReconsumeTimes(), Body: w.Body(), Topic: string(w.Topic()), Properties: w.Properties(),
	}
}
