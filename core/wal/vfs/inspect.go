package vfs

import "maps"

// ReadFile returns what a reader sees of a file.
func (m *Mem) ReadFile(name string) ([]byte, error) {
	return m.content(name, func(f *fileNode) *image { return &f.seen })
}

// ReadDurable returns what the disk holds of a file: what a power cut leaves at
// least, if its name is durable too. Tests ask it, not the log, what was synced.
func (m *Mem) ReadDurable(name string) ([]byte, error) {
	return m.content(name, func(f *fileNode) *image { return &f.disk })
}

func (m *Mem) content(name string, of func(*fileNode) *image) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.file("read", name)
	if err != nil {
		return nil, err
	}
	im := of(f)
	b := make([]byte, im.size)
	im.read(b, 0)
	return b, nil
}

// Rot replaces a file's content behind everybody's back, on disk and in memory:
// a bit that flipped, a block that was lost. change may return another length.
func (m *Mem) Rot(name string, change func(content []byte) []byte) error {
	b, err := m.ReadFile(name)
	if err != nil {
		return err
	}
	b = change(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.file("rot", name)
	if err != nil {
		return err
	}
	f.seen.truncate(0, f.mark)
	f.seen.write(b, 0, f.mark)
	f.sync()
	return nil
}

// WriteFile makes a file with the given content, all of it durable with the
// names in its directory.
func (m *Mem) WriteFile(name string, content []byte) error {
	f, err := m.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(content, 0); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d, _, err := m.parent("write", name)
	if err != nil {
		return err
	}
	d.durable, d.pending = maps.Clone(d.names), nil
	return nil
}
