package remoting

import (
	"strconv"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Looking messages up
//
//	12 QUERY_MESSAGE       by a key, or with _UNIQUE_KEY_QUERY=true by the UNIQ_KEY
//	33 VIEW_MESSAGE_BY_ID  by physical offset, which an offsetMsgId holds
//
// 12 answers the newest first, at most maxNum (64), within the store times asked
// for; 22 where there is none. indexLastUpdateTimestamp and
// indexLastUpdatePhyoffset are always 0: nothing is found later than it is stored.
//
// Deviations: 33 answers 1 too where the offset is that of no message's first
// byte, whatever its bytes look like; upstream answers what it can parse there.

// uniqueKeyQuery is the ext field that asks for one message by its UNIQ_KEY.
const uniqueKeyQuery = "_UNIQUE_KEY_QUERY"

func (c *conn) queryMessage(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	q := core.KeyQuery{
		Topic: a.Text("topic"), Key: a.Text("key"), Max: int(a.Int32("maxNum")),
		Begin: a.Int64("beginTimestamp"), End: a.Int64("endTimestamp"),
		Unique: a.Optional(uniqueKeyQuery) == "true",
	}
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	old := readsOldFormat(c.cmd.Language)
	c.core().Query(q, func(records *core.Records, err error) {
		if core.CodeOf(err) == core.MessageNotFound {
			r.refuse(wire.QueryNotFound, "can not find message, maybe time range not correct")
			return
		}
		r.found(records, err, old, func(w *wire.Writer) {
			w.Int("indexLastUpdateTimestamp", 0)
			w.Int("indexLastUpdatePhyoffset", 0)
		})
	})
}

func (c *conn) viewMessage(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	at := a.Int64("offset")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	old := readsOldFormat(c.cmd.Language)
	c.core().Lookup(core.Address(at), func(records *core.Records, err error) {
		if core.CodeOf(err) == core.MessageNotFound {
			r.refuse(wire.SystemError, "can not find message by the offset, "+strconv.FormatInt(at, 10))
			return
		}
		r.found(records, err, old, nil)
	})
}

// found answers with the messages of a look-up. It runs on the shard's loop.
func (r *request) found(records *core.Records, err error, old bool, fill func(*wire.Writer)) {
	if err != nil {
		r.fail(err)
		return
	}
	if old && wire.NeedsConversion(records.Bytes()) {
		r.conn.server.goroutines.Go(func() { // inflating takes long: never on the loop
			r.answer(wire.Success, fill, wire.ConvertMessages(nil, records.Bytes()))
			records.Release()
			r.conn.out.flush()
		})
		return
	}
	r.answer(wire.Success, fill, records.Bytes())
	records.Release()
}
