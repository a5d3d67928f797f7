package record

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
)

// A group's settings follow its name, unless all of them are the defaults: so a
// group of the first version reads as one without settings.

// groupDisabled is a bit of a group's flags.
const groupDisabled = 1 << 0

func (r *Group) size() int { return len(r.append(nil)) } // rare: a group is made once

func (r *Group) append(dst []byte) []byte {
	c := &r.Config
	dst = appendString(binary.AppendUvarint(dst, uint64(r.ID)), c.Name)
	if plainGroup(c) {
		return dst
	}
	flags := byte(0)
	if c.Disabled {
		flags |= groupDisabled
	}
	dst = append(dst, flags, byte(c.Order), byte(c.From))
	dst = binary.AppendUvarint(dst, uint64(c.MaxAttempts))
	dst = appendBackoff(dst, &c.Backoff)
	return appendAttributes(dst, c.Attributes)
}

func plainGroup(c *model.GroupConfig) bool {
	return c.Order == 0 && c.From == 0 && c.MaxAttempts == 0 && !c.Disabled && len(c.Attributes) == 0 &&
		len(c.Backoff.Steps) == 0 && c.Backoff.Initial == 0
}

// appendBackoff encodes times in ms and the multiplier in thousandths.
func appendBackoff(dst []byte, b *model.Backoff) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Steps)))
	for _, step := range b.Steps {
		dst = binary.AppendUvarint(dst, uint64(step.Milliseconds()))
	}
	dst = binary.AppendUvarint(dst, uint64(b.Initial.Milliseconds()))
	dst = binary.AppendUvarint(dst, uint64(b.Max.Milliseconds()))
	return binary.AppendUvarint(dst, uint64(math.Round(b.Multiplier*1000)))
}

func (r *Group) decode(d *decoder) {
	r.ID = model.GroupID(d.uvarint(math.MaxUint32))
	c := model.GroupConfig{Name: d.string()}
	if len(d.b) > 0 {
		flags := d.u8()
		c.Disabled = flags&groupDisabled != 0
		c.Order, c.From = model.GroupOrder(d.u8()), model.StartFrom(d.u8())
		c.MaxAttempts = int32(d.uvarint(math.MaxInt32))
		c.Backoff = d.backoff()
		c.Attributes = d.attributes()
		d.bad = d.bad || flags&^groupDisabled != 0 || c.Order > model.OrderNone || c.From > model.FromEarliest
	}
	r.Config = c
}

func (d *decoder) backoff() (b model.Backoff) {
	for n := d.uvarint(uint64(len(d.b))); n > 0 && !d.bad; n-- {
		b.Steps = append(b.Steps, d.milliseconds())
	}
	b.Initial, b.Max = d.milliseconds(), d.milliseconds()
	b.Multiplier = float64(d.uvarint(math.MaxUint32)) / 1000
	return b
}

func (d *decoder) milliseconds() time.Duration {
	return time.Duration(d.uvarint(math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}
