package ops

import (
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

// longestProfile bounds what one request may ask for.
const longestProfile = 30 * time.Second

// profiles serves the profiles of this process, one timed one at a time.
// net/http/pprof is not used: importing it puts them, and the command line, on
// the default mux.
func profiles(mux *http.ServeMux) {
	p := &profiler{}
	mux.HandleFunc("GET /debug/pprof/profile", p.cpu)
	mux.HandleFunc("GET /debug/pprof/trace", p.trace)
	for _, name := range []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"} {
		mux.HandleFunc("GET /debug/pprof/"+name, func(w http.ResponseWriter, r *http.Request) {
			lookup(w, r, name)
		})
	}
}

func lookup(w http.ResponseWriter, r *http.Request, name string) {
	debug, _ := strconv.Atoi(r.FormValue("debug"))
	w.Header().Set("Content-Type", "application/octet-stream")
	if debug > 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	_ = pprof.Lookup(name).WriteTo(w, debug) // fails with the connection only
}

type profiler struct {
	busy sync.Mutex // held by the one timed profile that runs
}

func (p *profiler) cpu(w http.ResponseWriter, r *http.Request) {
	p.timed(w, r, func() error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile)
}

func (p *profiler) trace(w http.ResponseWriter, r *http.Request) {
	p.timed(w, r, func() error { return trace.Start(w) }, trace.Stop)
}

func (p *profiler) timed(w http.ResponseWriter, r *http.Request, start func() error, stop func()) {
	seconds, err := strconv.Atoi(r.FormValue("seconds"))
	if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > longestProfile {
		http.Error(w, "gantry: seconds must be 1 to 30", http.StatusBadRequest)
		return
	}
	if !p.busy.TryLock() {
		http.Error(w, "gantry: another profile is being taken", http.StatusConflict)
		return
	}
	defer p.busy.Unlock()
	span := time.Duration(seconds) * time.Second
	// The answer takes longer than the server's limits for other pages.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(span + 10*time.Second))
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := start(); err != nil {
		http.Error(w, "gantry: "+err.Error(), http.StatusConflict)
		return
	}
	defer stop()
	select {
	case <-time.After(span):
	case <-r.Context().Done():
	}
}
