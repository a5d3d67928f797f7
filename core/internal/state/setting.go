package state

import (
	"maps"
	"slices"

	"github.com/gantrymq/gantry/core/record"
)

// Setting returns what is kept under a key, empty if nothing is.
func (s *State) Setting(key string) string { return s.settings[key] }

// SettingCount returns how many keys have a setting.
func (s *State) SettingCount() int { return len(s.settings) }

// EachSetting shows the settings in the order of their keys.
func (s *State) EachSetting(fn func(key, value string)) {
	for _, key := range slices.Sorted(maps.Keys(s.settings)) {
		fn(key, s.settings[key])
	}
}

func (s *State) applySetting(r *record.Setting) {
	if r.Value == "" {
		delete(s.settings, r.Key)
		return
	}
	s.settings[r.Key] = r.Value
}

// appendSettings appends all settings: there are so few that a snapshot saves them
// when it begins.
func (s *State) appendSettings(b []byte) []byte {
	s.EachSetting(func(key, value string) {
		b = appendEntry(b, tagSetting, func(b []byte) []byte {
			return record.Append(b, &record.Setting{Key: key, Value: value})
		})
	})
	return b
}

// setting loads an entry.
func (l *loader) setting(content []byte) error {
	f := fields{b: content}
	r, err := oneRecord[record.Setting](l, &f)
	if err != nil {
		return err
	}
	if _, twice := l.state.settings[r.Key]; twice || r.Value == "" {
		return errImage
	}
	l.state.settings[r.Key] = r.Value
	return f.end()
}
