package shard

import (
	"slices"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

const (
	maxSettings     = 1000
	maxSettingKey   = 512
	maxSettingValue = 4 << 10
)

// PutSetting keeps a text under a key, or, if it is empty, takes it away.
type PutSetting struct{ Key, Value string }

func (PutSetting) admin() {}

// Setting is a text that is kept under a key.
type Setting struct{ Key, Value string }

// Setting returns a setting as of its last durable change. Safe for all goroutines.
func (s *Shard) Setting(key string) (value string, ok bool) {
	v, ok := s.settings.Load(key)
	if !ok {
		return "", false
	}
	return v.(string), true
}

// Settings returns those whose keys begin with a prefix, by key. Safe for all goroutines.
func (s *Shard) Settings(prefix string) []Setting {
	var all []Setting
	s.settings.Range(func(key, value any) bool {
		if strings.HasPrefix(key.(string), prefix) {
			all = append(all, Setting{key.(string), value.(string)})
		}
		return true
	})
	slices.SortFunc(all, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return all
}

func (s *Shard) putSetting(op PutSetting) error {
	switch {
	case op.Key == "" || len(op.Key) > maxSettingKey || len(op.Value) > maxSettingValue:
		return model.Errorf(model.TooLarge, "a setting of %d bytes under a key of %d; at most %d and 1 to %d are allowed", len(op.Value), len(op.Key), maxSettingValue, maxSettingKey)
	case op.Value != "" && s.state.Setting(op.Key) == "" && s.state.SettingCount() >= maxSettings:
		return model.Errorf(model.Busy, "there are %d settings, and no more are kept: delete some", maxSettings)
	case s.state.Setting(op.Key) == op.Value:
		return nil
	}
	end := s.emit(&record.Setting{Key: op.Key, Value: op.Value})
	s.when(atDurable, end, then(func(s *Shard, err error) {
		if err == nil {
			s.showSetting(op.Key)
		}
	}))
	return nil
}

// showSetting shows a setting to the listeners.
func (s *Shard) showSetting(key string) {
	if value := s.state.Setting(key); value != "" {
		s.settings.Store(key, value)
	} else {
		s.settings.Delete(key)
	}
}
