package shard

import (
	"fmt"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

const (
	// readerCount is how many goroutines read for a shard: cold reads block.
	readerCount = 2
	// loopCopy is how much of an answer the loop itself copies, if it is hot.
	loopCopy = 16 << 10
	// Reads of cold records that lie this near each other are one read.
	readGap   = 4 << 10
	readAhead = 1 << 20
)

// readJob copies the messages of one answer. It runs on the loop if they are
// few and hot, else on a reader, and comes back to the loop as a request.
type readJob struct {
	shard          *Shard
	pull           *pullRequest
	filter         *filter.Filter
	places         []index.Place
	slabs          []*slab // the place's slab, nil where it is cold; one per place
	next, min, max model.Offset

	records *Records
	buf     []byte // cold bytes read last
	bufLSN  model.LSN
	err     error
}

// read has the places of a job copied.
func (s *Shard) read(j *readJob, bytes int) {
	hot := true
	for _, p := range j.places {
		b := s.tail.find(p.LSN, p.Size)
		hot = hot && b != nil
		j.slabs = append(j.slabs, b)
	}
	if hot && bytes <= loopCopy {
		j.copyAll()
		j.answer(s)
		return
	}
	for _, b := range j.slabs {
		if b != nil {
			b.refs.Add(1)
		}
	}
	s.apart(&s.readers, func() func(*Shard) {
		j.copyAll()
		for _, b := range j.slabs {
			if b != nil {
				j.shard.tail.release(b)
			}
		}
		return j.answer
	})
}

// answer answers the pull.
func (j *readJob) answer(s *Shard) {
	if j.err != nil {
		s.logger.Error("a message cannot be read", "shard", s.cfg.Shard, "queue", j.pull.Queue.Num, "err", j.err)
		j.pull.fail(s, &model.Error{Code: model.Internal, Definite: true, Detail: "a stored message cannot be verified", Err: j.err})
		return
	}
	s.count.Delivered += int64(j.records.Count)
	s.count.DeliveredBytes += int64(len(j.records.buf))
	s.touch(j.pull.client)
	j.pull.done(j.records, nil)
}

// copyAll builds the answer.
func (j *readJob) copyAll() {
	r := j.shard.newRecords()
	r.Status, r.Next, r.Min, r.Max = PullFound, j.next, j.min, j.max
	for i := range j.places {
		if err := j.copy(r, i); err != nil {
			if r.Count > 0 { // what was verified is served; the next pull meets the error
				r.Next = j.places[i].Offset
				break
			}
			j.err = err
			r.Release()
			return
		}
	}
	if r.Count == 0 {
		r.Status = PullNoMatch
	}
	j.records = r
}

// copy appends a message, patched for the client, if it passes the filter.
func (j *readJob) copy(r *Records, i int) error {
	p := &j.places[i]
	raw, err := j.bytes(i)
	if err != nil {
		return fmt.Errorf("read the record at LSN %d: %w", p.LSN, err)
	}
	content, err := openData(raw, j.slabs[i] == nil)
	if err != nil {
		return fmt.Errorf("record at LSN %d: %w", p.LSN, err)
	}
	w, err := record.DataWire(content)
	if err != nil {
		return fmt.Errorf("record at LSN %d: %w", p.LSN, err)
	}
	address := model.AddressOf(j.shard.cfg.Shard, p.LSN)
	if w.PhysicalOffset() != int64(address) || w.QueueOffset() != int64(p.Offset) {
		return fmt.Errorf("record at LSN %d: is that of offset %d at address %d", p.LSN, w.QueueOffset(), w.PhysicalOffset())
	}
	if !j.filter.All() && !j.filter.Match(record.Property(w.Properties(), record.PropTags)) {
		return nil
	}
	at := len(r.buf)
	r.buf = append(r.buf, w...)
	record.Wire(r.buf[at:]).PatchStoreHost(j.pull.client.info.StoreHost)
	r.Count++
	return nil
}

// openData returns the content of a data record; cold ones are verified.
func openData(raw []byte, cold bool) ([]byte, error) {
	parse := record.Parse
	if cold {
		parse = record.Open
	}
	kind, content, _, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if kind != record.KindData {
		return nil, fmt.Errorf("kind %#x is no message", byte(kind))
	}
	return content, nil
}

// bytes returns the record of a place.
func (j *readJob) bytes(i int) ([]byte, error) {
	p := &j.places[i]
	if b := j.slabs[i]; b != nil {
		return b.at(p.LSN, p.Size), nil
	}
	from := int64(p.LSN - j.bufLSN)
	if from < 0 || from+int64(p.Size) > int64(len(j.buf)) {
		if err := j.fill(i); err != nil {
			return nil, err
		}
		from = 0
	}
	return j.buf[from : from+int64(p.Size)], nil
}

// fill reads the cold record of a place, and with it those that follow closely.
func (j *readJob) fill(i int) error {
	first := j.places[i]
	end := first.LSN + model.LSN(first.Size)
	for k := i + 1; k < len(j.places) && j.slabs[k] == nil; k++ {
		p := j.places[k]
		next := p.LSN + model.LSN(p.Size)
		if p.Segment != first.Segment || p.LSN-end > readGap || next-first.LSN > readAhead {
			break
		}
		end = next
	}
	n := int(end - first.LSN)
	if cap(j.buf) < n {
		j.buf = make([]byte, n)
	}
	j.buf, j.bufLSN = j.buf[:n], first.LSN
	_, err := j.shard.log.ReadAt(j.buf, first.LSN)
	if err != nil {
		j.buf = j.buf[:0]
	}
	return err
}

// keptRecords bounds the buffer of an answer that is kept for the next.
const keptRecords = 64 << 10

func (s *Shard) newRecords() *Records {
	r, ok := s.records.Get().(*Records)
	if !ok {
		r = &Records{pool: &s.records}
	}
	return r
}

// Release gives the answer's memory back. The Records must not be used after it.
func (r *Records) Release() {
	if cap(r.buf) > keptRecords {
		r.buf = nil
	}
	*r = Records{buf: r.buf[:0], pool: r.pool}
	r.pool.Put(r)
}
