package waltool

import (
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

// Line is one record.
type Line struct {
	LSN       wal.LSN   `json:"lsn"`
	Frame     wal.LSN   `json:"frame"`
	StoreTime time.Time `json:"store_time"`
	Kind      string    `json:"kind"`
	Bytes     int       `json:"bytes"`
	Content   Content   `json:"content"`
}

// Dump hands a line for each record from an LSN on to emit, 0 for all. It ends at
// the first damage and returns it. Bodies of messages are left out unless asked for.
func Dump(f Folder, from int64, bodies bool, emit func(*Line) error) (*Damage, error) {
	i, err := f.open()
	if err != nil {
		return nil, err
	}
	var w walker
	d := describer{bodies: bodies, topics: map[uint64]string{}, groups: map[uint64]string{}}
	_, err = w.walk(i, wal.LSN(from), func(it *item) error {
		return emit(&Line{
			LSN:       it.lsn,
			Frame:     it.frame.LSN,
			StoreTime: time.UnixMilli(it.frame.StoreTime).UTC(),
			Kind:      kindName(it.kind),
			Bytes:     it.bytes,
			Content:   d.describe(it.entry),
		})
	})
	if err == nil && w.damage == nil {
		w.damage = damage(i.Damage)
	}
	return w.damage, err
}
