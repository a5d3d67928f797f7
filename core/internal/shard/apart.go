package shard

// apart runs work that blocks on files on one of the pool's goroutines. What it
// returns runs on the loop afterwards. The shard does not stop before that.
func (s *Shard) apart(pool *workers, work func() (then func(s *Shard))) {
	s.away++
	job := func() {
		s.inbox.putNow(&run{reqs: []request{returned{work()}}})
	}
	if s.env.Apart != nil {
		s.env.Apart(job)
		return
	}
	pool.add(job)
}

// returned is work that has come back.
type returned struct{ then func(*Shard) }

func (returned) class() class { return control }
func (returned) refuse(error) {}

func (r returned) decide(s *Shard) {
	s.away--
	r.then(s)
}
