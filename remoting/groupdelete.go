package remoting

import (
	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Consumer groups
//
//	207 DELETE_SUBSCRIPTIONGROUP  with its offsets in all queues
//
// A group that is not there is no error: tools ask every broker of a cluster. The
// remark then says so. A member that lives makes its group anew with the next
// heartbeat, without offsets. The group's %RETRY% and %DLQ% topics stay; tools
// delete them with 215.
//
// Deviation: the offsets go whatever cleanOffset says, for a group that is gone must
// not keep messages that wait to be consumed.

func (c *conn) deleteGroup(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	group := a.Text("groupName")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	c.core().Admin(core.DeleteGroup{Name: group}, func(err error) {
		switch {
		case core.CodeOf(err) == core.GroupNotFound:
			r.say(wire.Success, "there was no group "+group)
		case err != nil:
			r.fail(err)
		default:
			r.answer(wire.Success, nil, nil)
		}
	})
}
