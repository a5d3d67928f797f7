package remoting

import (
	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Consumer groups
//
//	200 UPDATE_AND_CREATE_SUBSCRIPTIONGROUP       settings in JSON
//	225 UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST  several
//	201 GET_ALL_SUBSCRIPTIONGROUP_CONFIG          never empty: Apache's own groups are in it
//	352 GET_SUBSCRIPTIONGROUP_CONFIG              26 where there is none
//
// consumeEnable, consumeMessageOrderly, retryMaxTimes and groupRetryPolicy change
// what the server does; the other settings are kept and returned. attributes takes
// "+key" and "-key" as well as plain keys.
//
// Deviation: 201 returns all groups at once.

func (c *conn) putGroup(r request) {
	var g wire.GroupConfig
	if err := wire.DecodeBody("group settings", c.cmd.Body, &g); err != nil {
		r.refuse(wire.InvalidParameter, err.Error())
		return
	}
	c.putGroups(r, []wire.GroupConfig{g})
}

func (c *conn) putGroupList(r request) {
	var list wire.GroupConfigList
	if err := wire.DecodeBody("group settings", c.cmd.Body, &list); err != nil {
		r.refuse(wire.InvalidParameter, err.Error())
		return
	}
	c.putGroups(r, list.Groups)
}

func (c *conn) putGroups(r request, list []wire.GroupConfig) {
	acts := make([]core.AdminOp, 0, len(list))
	for i := range list {
		var old core.GroupConfig
		if info, ok := c.server.engine.Group(list[i].Name); ok {
			old = info.GroupConfig
		}
		acts = append(acts, core.PutGroup{Config: groupConfig(&list[i], old)})
	}
	c.administer(r, acts)
}

// administer answers once all acts are done, with the first error if there is one.
func (c *conn) administer(r request, acts []core.AdminOp) {
	if len(acts) == 0 {
		r.answer(wire.Success, nil, nil)
		return
	}
	open, first := len(acts), error(nil)
	for _, act := range acts {
		c.core().Admin(act, func(err error) { // on the loop, like its siblings
			if first == nil {
				first = err
			}
			if open--; open > 0 {
				return
			}
			if first != nil {
				r.fail(first)
				return
			}
			r.answer(wire.Success, nil, nil)
		})
	}
}

func (c *conn) allGroupConfigs(r request) {
	body := wire.GroupConfigs{
		Forbidden: map[string]map[string]int32{}, Groups: groupConfigs(c.server.engine.Groups()),
	}
	r.answer(wire.Success, func(w *wire.Writer) {
		w.Int("totalGroupNum", int64(len(body.Groups)))
	}, wire.EncodeBody(body))
}

func (c *conn) groupConfig(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	name := a.Text("group")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	info, ok := c.server.engine.Group(name)
	if !ok {
		r.refuse(wire.SubscriptionGroupNotExist, "No group in this broker. group: "+name)
		return
	}
	r.answer(wire.Success, nil, wire.EncodeBody(describeGroup(&info.GroupConfig)))
}
