package txn

import (
	"slices"
	"sort"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Open is what is kept of an open transaction.
type Open struct {
	ID       model.LSN // where its message was stored first: the message's address
	Since    int64     // when it was prepared, or its producer last asked, ms since 1970
	Producer uint32    // hash of its producer group
	Immunity uint16    // how long, in s, it is not to be asked about; 0: the server's time
	Checks   uint8     // how often its producer was asked
}

// pageLen fills 4 KiB.
const pageLen = 170

// Set is the open transactions, by ID. Its zero value is empty.
type Set struct {
	pages [][]Open // none empty, each rising, and each behind the one before
	n     int
	spare [][]Open
}

// maxSpare bounds the pages that are kept for the next use.
const maxSpare = 16

// Len returns the number of transactions.
func (s *Set) Len() int { return s.n }

// Get returns a transaction; nil if it is not open. It is valid until the set
// changes, and may be changed in its place but for the ID.
func (s *Set) Get(id model.LSN) *Open {
	p := s.pageOf(id)
	if p < 0 {
		return nil
	}
	if i, found := search(s.pages[p], id); found {
		return &s.pages[p][i]
	}
	return nil
}

// Add puts a transaction in. It reports false if it is there.
func (s *Set) Add(t Open) bool {
	p := s.pageOf(t.ID)
	if p < 0 {
		if s.n == 0 {
			s.pages = append(s.pages[:0], s.page())
		}
		p = 0
	}
	i, found := search(s.pages[p], t.ID)
	if found {
		return false
	}
	if len(s.pages[p]) == pageLen {
		p, i = s.makeRoom(p, i)
	}
	s.pages[p] = slices.Insert(s.pages[p], i, t)
	s.n++
	return true
}

// makeRoom splits the full page p, but for the last one, which is left behind for
// what comes after it. It returns the place that was the i-th of the page.
func (s *Set) makeRoom(p, i int) (page, at int) {
	if i == pageLen && p == len(s.pages)-1 {
		s.pages = append(s.pages, s.page())
		return p + 1, 0
	}
	const half = pageLen / 2
	s.pages = slices.Insert(s.pages, p+1, append(s.page(), s.pages[p][half:]...))
	s.pages[p] = s.pages[p][:half]
	if i <= half {
		return p, i
	}
	return p + 1, i - half
}

// Remove takes a transaction out, if it is there.
func (s *Set) Remove(id model.LSN) {
	p := s.pageOf(id)
	if p < 0 {
		return
	}
	i, found := search(s.pages[p], id)
	if !found {
		return
	}
	s.pages[p] = slices.Delete(s.pages[p], i, i+1)
	s.n--
	switch n := len(s.pages[p]); {
	case n == 0:
		s.drop(p)
	case n < pageLen/4 && p > 0 && n+len(s.pages[p-1]) <= pageLen/2:
		s.pages[p-1] = append(s.pages[p-1], s.pages[p]...)
		s.drop(p)
	}
}

// Each passes the transactions from one on to fn, in order, until fn returns false.
// The set must not change meanwhile.
func (s *Set) Each(from model.LSN, fn func(*Open) bool) {
	for p := max(s.pageOf(from), 0); p < len(s.pages); p++ {
		page := s.pages[p]
		for i, _ := search(page, from); i < len(page); i++ {
			if !fn(&page[i]) {
				return
			}
		}
	}
}

// pageOf returns the page that a transaction is in, or belongs to, -1 if it comes
// before all.
func (s *Set) pageOf(id model.LSN) int {
	return sort.Search(len(s.pages), func(p int) bool { return s.pages[p][0].ID > id }) - 1
}

// search returns where a transaction is, or belongs.
func search(page []Open, id model.LSN) (i int, found bool) {
	i = sort.Search(len(page), func(i int) bool { return page[i].ID >= id })
	return i, i < len(page) && page[i].ID == id
}

// drop takes a page away that is empty, or whose content is elsewhere.
func (s *Set) drop(p int) {
	if len(s.spare) < maxSpare {
		s.spare = append(s.spare, s.pages[p][:0])
	}
	s.pages = slices.Delete(s.pages, p, p+1)
}

func (s *Set) page() []Open {
	if k := len(s.spare); k > 0 {
		page := s.spare[k-1]
		s.spare = s.spare[:k-1]
		return page
	}
	return make([]Open, 0, pageLen)
}
