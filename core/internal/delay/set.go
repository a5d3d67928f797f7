package delay

import (
	"slices"
	"sort"
)

// chunkLen fills 4 KiB with messages and the two counts.
const chunkLen = 102

// chunk is a run of messages, rising.
type chunk struct {
	from, to int32 // the part of items that is in use
	items    [chunkLen]Message
}

func (c *chunk) all() []Message { return c.items[c.from:c.to] }

func (c *chunk) len() int { return int(c.to - c.from) }

// room is one chunk of the set. No message of it is below first, and none of the
// chunk before is at it or above.
type room struct {
	first Key
	*chunk
}

// Set is the messages that wait, in order. Its zero value is empty.
type Set struct {
	rooms []room
	n     int
	spare []*chunk
}

// maxSpare bounds the chunks that are kept for the next use.
const maxSpare = 16

// Len returns the number of messages.
func (s *Set) Len() int { return s.n }

// First returns the message that is due first; nil if there is none. It is valid
// until the set changes.
func (s *Set) First() *Message {
	if s.n == 0 {
		return nil
	}
	return &s.rooms[0].all()[0]
}

// Get returns the message with that key; nil if there is none. It is valid until
// the set changes, and may be moved (Message.Move) in its place.
func (s *Set) Get(k Key) *Message {
	r := s.roomOf(k)
	if r < 0 {
		return nil
	}
	all := s.rooms[r].all()
	if i := search(all, k); i < len(all) && all[i].Order() == k {
		return &all[i]
	}
	return nil
}

// Add puts a message in. It reports false if there is one with its key.
func (s *Set) Add(m Message) bool {
	k := m.Order()
	r := s.roomOf(k)
	if r < 0 {
		if s.n == 0 {
			s.rooms = append(s.rooms[:0], room{k, s.chunk()})
		}
		r = 0
		s.rooms[0].first = k
	}
	if s.rooms[r].len() == chunkLen {
		r = s.makeRoom(r, k)
	}
	c := s.rooms[r].chunk
	all := c.all()
	i := search(all, k)
	if i < len(all) && all[i].Order() == k {
		return false
	}
	c.insert(i, m)
	s.n++
	return true
}

// Remove takes a message out, if it is there.
func (s *Set) Remove(k Key) {
	r := s.roomOf(k)
	if r < 0 {
		return
	}
	c := s.rooms[r].chunk
	all := c.all()
	i := search(all, k)
	if i == len(all) || all[i].Order() != k {
		return
	}
	if i == 0 {
		c.from++
	} else {
		copy(all[i:], all[i+1:])
		c.to--
	}
	s.n--
	s.shrink(r)
}

// Each passes the messages from a key on to fn, in order, until fn returns false.
// The set must not change meanwhile.
func (s *Set) Each(from Key, fn func(*Message) bool) {
	r := max(s.roomOf(from), 0)
	for ; r < len(s.rooms); r++ {
		all := s.rooms[r].all()
		for i := search(all, from); i < len(all); i++ {
			if !fn(&all[i]) {
				return
			}
		}
	}
}

// roomOf returns the room that a key belongs to, -1 if it comes before all.
func (s *Set) roomOf(k Key) int {
	return sort.Search(len(s.rooms), func(i int) bool { return s.rooms[i].first.Compare(k) > 0 }) - 1
}

// search returns where a key is, or belongs.
func search(all []Message, k Key) int {
	return sort.Search(len(all), func(i int) bool { return all[i].Order().Compare(k) >= 0 })
}

// insert puts a message at the i-th place of a chunk that has room.
func (c *chunk) insert(i int, m Message) {
	if int(c.to) == chunkLen {
		n := copy(c.items[:], c.all())
		c.from, c.to = 0, int32(n)
	}
	c.to++
	all := c.all()
	copy(all[i+1:], all[i:])
	all[i] = m
}

// makeRoom sees that the full room r, or the one that a key belongs to after
// that, has a place: by a new one at the end, by giving some to a neighbour, or
// by a split. It returns the room for the key.
func (s *Set) makeRoom(r int, k Key) int {
	c := s.rooms[r].chunk
	switch last := c.items[chunkLen-1].Order(); {
	case r == len(s.rooms)-1 && last.Compare(k) < 0:
		s.rooms = append(s.rooms, room{k, s.chunk()})
		return r + 1
	case r+1 < len(s.rooms) && s.rooms[r+1].len() <= chunkLen-chunkLen/8:
		s.giveRight(r, (chunkLen-s.rooms[r+1].len()+1)/2)
	case r > 0 && s.rooms[r-1].len() <= chunkLen-chunkLen/8:
		s.giveLeft(r, (chunkLen-s.rooms[r-1].len()+1)/2)
	default:
		s.rooms = slices.Insert(s.rooms, r+1, room{last, s.chunk()})
		s.giveRight(r, chunkLen/2)
	}
	return s.roomOf(k)
}

// giveRight moves the last n messages of a room to the next one.
func (s *Set) giveRight(r, n int) {
	from, to := s.rooms[r].chunk, s.rooms[r+1].chunk
	given := from.all()[from.len()-n:]
	var joined [chunkLen]Message
	k := copy(joined[:], given)
	k += copy(joined[k:], to.all())
	to.items, to.from, to.to = joined, 0, int32(k)
	from.to -= int32(n)
	s.rooms[r+1].first = to.items[0].Order()
}

// giveLeft moves the first n messages of a room to the one before.
func (s *Set) giveLeft(r, n int) {
	from, to := s.rooms[r].chunk, s.rooms[r-1].chunk
	k := copy(to.items[:], to.all())
	k += copy(to.items[k:], from.all()[:n])
	to.from, to.to = 0, int32(k)
	from.from += int32(n)
	if from.len() > 0 {
		s.rooms[r].first = from.all()[0].Order()
	}
}

// shrink drops a room that is empty, or joins it to the one before if both are
// half empty.
func (s *Set) shrink(r int) {
	switch n := s.rooms[r].len(); {
	case n == 0:
		s.drop(r)
	case n < chunkLen/4 && r > 0 && n+s.rooms[r-1].len() <= chunkLen/2:
		s.giveLeft(r, n)
		s.drop(r)
	}
}

// drop takes an empty room away.
func (s *Set) drop(r int) {
	c := s.rooms[r].chunk
	if r == 0 {
		s.rooms[0] = room{}
		s.rooms = s.rooms[1:]
	} else {
		s.rooms = slices.Delete(s.rooms, r, r+1)
	}
	if len(s.spare) < maxSpare {
		c.from, c.to = 0, 0
		s.spare = append(s.spare, c)
	}
}

func (s *Set) chunk() *chunk {
	if k := len(s.spare); k > 0 {
		c := s.spare[k-1]
		s.spare = s.spare[:k-1]
		return c
	}
	return new(chunk)
}
