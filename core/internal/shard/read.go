package shard

import (
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

// readJob copies the messages of one answer to a Pull. It runs on the loop if
// they are few and hot, else on a reader, and comes back to the loop as a request.
type readJob struct {
	copier
	pull           *pullRequest
	filter         *filter.Filter
	looked         int // at entries
	next, min, max model.Offset

	records *Records // the answer
	err     error
}

// keptBuffer bounds the buffer of a job that is kept for the next.
const keptBuffer = 64 << 10

func (s *Shard) newReadJob(r *pullRequest) *readJob {
	j, ok := s.readJobs.Get().(*readJob)
	if !ok {
		j = &readJob{copier: copier{shard: s}}
	}
	j.pull = r
	return j
}

// release gives the job back, with the memory that the next one needs again.
func (j *readJob) release() {
	j.copier.reset()
	*j = readJob{copier: j.copier}
	j.shard.readJobs.Put(j)
}

// take is shown the entries of a queue in order, and takes those that may match,
// as long as the answer has room.
func (j *readJob) take(p index.Place) (more bool) {
	if j.looked++; j.looked > maxScan {
		return false
	}
	if j.filter.MayMatch(p.Tag) {
		if n := len(j.places); n > 0 && (n == j.pull.MaxMessages || j.size+max(p.Size, p.Body) > j.pull.MaxBytes) {
			return false
		}
		j.add(p)
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

// read has the places of a job copied. If the first place is cold the answer ends
// before the first that is hot, so that what waits for a file holds no slab.
func (s *Shard) read(j *readJob) {
	switch hot := j.findHot(s); {
	case hot == 0:
		j.untilHot(s)
		s.readCold(j.pull.Group, j.pull.client, func() (int64, func(*Shard)) {
			j.copyAll()
			return j.coldRead, j.answer
		})
		return
	case hot < len(j.places): // they were written later, and are colder: another segment was dropped
		j.next = j.places[hot].Offset
		j.places = j.places[:hot]
	}
	if j.size <= loopCopy && !j.filter.NeedsProperties() {
		j.copyAll()
		j.answer(s)
		return
	}
	j.hold()
	s.apart(&s.readers, func() func(*Shard) {
		j.copyAll()
		j.letGo()
		return j.answer
	})
}

// untilHot cuts the places at the first that is in memory.
func (j *readJob) untilHot(s *Shard) {
	for i, p := range j.places {
		if b := s.tail.find(p.LSN, p.Size); b != nil && (p.Body == 0 || j.findBody(s, &p, b) != nil) {
			j.places, j.next = j.places[:i], p.Offset
			return
		}
	}
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
	if j.records.Count == 0 && j.pull.goOn(s, j.next) {
		j.records.Release()
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
	w, err := j.message(i)
	if err != nil {
		return err
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
	*r = Records{buf: r.buf[:0], deliveries: r.deliveries[:0], pool: r.pool}
	r.pool.Put(r)
}
