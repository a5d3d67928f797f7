package shard

import (
	"fmt"
	"net/netip"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

const (
	// readerCount is how many goroutines read for a shard: cold reads block.
	readerCount = 3
	// loopCopy is how much of an answer the loop itself copies, if it is hot.
	loopCopy = 16 << 10
	// Reads of cold records that lie this near each other are one read.
	readGap   = 4 << 10
	readAhead = 1 << 20
	// entryBytes is what looking at an entry of a sealed index reads.
	entryBytes = 16
)

// readJob copies the messages of one answer. It runs on the loop if they are
// few and hot, else on a reader, and comes back to the loop as a request.
type readJob struct {
	shard          *Shard
	pull           *pullRequest
	filter         *filter.Filter
	places         []index.Place
	size           int     // of their records
	looked         int     // at entries
	slabs          []*slab // of the places; none if they are cold
	next, min, max model.Offset

	records  *Records // the answer
	buf      []byte   // cold bytes read last
	bufLSN   model.LSN
	coldRead int64 // bytes read from files
	err      error
}

// keptBuffer bounds the buffer of a job that is kept for the next.
const keptBuffer = 64 << 10

func (s *Shard) newReadJob(r *pullRequest) *readJob {
	j, ok := s.readJobs.Get().(*readJob)
	if !ok {
		j = &readJob{shard: s}
	}
	j.pull = r
	return j
}

// release gives the job back, with the memory that the next one needs again.
func (j *readJob) release() {
	if cap(j.buf) > keptBuffer {
		j.buf = nil
	}
	clear(j.slabs)
	*j = readJob{shard: j.shard, places: j.places[:0], slabs: j.slabs[:0], buf: j.buf[:0]}
	j.shard.readJobs.Put(j)
}

// take is shown the entries of a queue in order, and takes those that may match,
// as long as the answer has room.
func (j *readJob) take(p index.Place) (more bool) {
	if j.looked++; j.looked > maxScan {
		return false
	}
	if j.filter.MayMatch(p.Tag) {
		if n := len(j.places); n > 0 && (n == j.pull.MaxMessages || j.size+p.Size > j.pull.MaxBytes) {
			return false
		}
		j.size += p.Size
		j.places = append(j.places, p)
	}
	j.next = p.Offset + 1
	return true
}

// readSealed has a reader look for messages in a sealed index, and copy them. The
// answer ends with the segment.
func (s *Shard) readSealed(j *readJob, x index.Range) {
	s.readCold(j.pull.Group, j.pull.client, func() (int64, func(*Shard)) {
		end := min(x.End, j.max)
		j.next = max(j.next, x.First)
		if j.err = x.Read(j.next, end, j.take); j.err == nil {
			j.copyAll()
		}
		return j.coldRead + int64(j.looked)*entryBytes, j.answer
	})
}

// read has the places of a job copied.
func (s *Shard) read(j *readJob) {
	if !j.findHot(s) {
		s.readCold(j.pull.Group, j.pull.client, func() (int64, func(*Shard)) {
			j.copyAll()
			return j.coldRead, j.answer
		})
		return
	}
	if j.size <= loopCopy {
		j.copyAll()
		j.answer(s)
		return
	}
	for _, b := range j.slabs {
		b.refs.Add(1)
	}
	s.apart(&s.readers, func() func(*Shard) {
		j.copyAll()
		for _, b := range j.slabs {
			j.shard.tail.release(b)
		}
		return j.answer
	})
}

// findHot finds the slabs of the places. If the first place is cold the answer ends
// before the first that is hot, so that what waits for a file holds no slab.
func (j *readJob) findHot(s *Shard) bool {
	for i, p := range j.places {
		switch b := s.tail.find(p.LSN, p.Size); {
		case b == nil:
		case len(j.slabs) == i:
			j.slabs = append(j.slabs, b)
		default:
			j.places, j.next = j.places[:i], p.Offset
			return false
		}
	}
	return len(j.slabs) > 0
}

// answer answers the pull. The job is done with then.
func (j *readJob) answer(s *Shard) {
	defer j.release()
	if q := s.state.Queue(j.pull.Queue); j.err != nil && (q == nil || s.first(q) > j.pull.Offset) {
		j.pull.decide(s) // what was to be read was forgotten meanwhile
		return
	}
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
	w, err := messageIn(raw, len(j.slabs) == 0, j.shard.cfg.Shard, p)
	if err != nil {
		return fmt.Errorf("record at LSN %d: %w", p.LSN, err)
	}
	if !j.filter.Match(w.Properties()) {
		return nil
	}
	r.add(w, j.pull.client.info.StoreHost)
	return nil
}

// add appends a message, patched for the client that reads it.
func (r *Records) add(w record.Wire, storeHost netip.AddrPort) {
	at := len(r.buf)
	r.buf = append(r.buf, w...)
	record.Wire(r.buf[at:]).PatchStoreHost(storeHost)
	r.Count++
}

// messageIn returns the message in a record, if it is the one that the index has
// at that place.
func messageIn(raw []byte, cold bool, shard model.ShardID, p *index.Place) (record.Wire, error) {
	content, err := openData(raw, cold)
	if err != nil {
		return nil, err
	}
	w, err := record.DataWire(content)
	if err != nil {
		return nil, err
	}
	if w.PhysicalOffset() != int64(model.AddressOf(shard, p.LSN)) || w.QueueOffset() != int64(p.Offset) {
		return nil, fmt.Errorf("it is that of offset %d at address %d", w.QueueOffset(), w.PhysicalOffset())
	}
	return w, nil
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
	if len(j.slabs) > 0 {
		return j.slabs[i].at(p.LSN, p.Size), nil
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
	for k := i + 1; k < len(j.places); k++ {
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
	j.coldRead += int64(n)
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
