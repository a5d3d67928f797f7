package ops

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Check is one thing that a health page looks at; a nil Err is good.
type Check struct {
	Name string
	Err  error
}

// livez says that the process can make progress. It depends on neither disk nor
// load: a supervisor that kills a healthy process in an outage makes it longer.
func (s *Server) livez(w http.ResponseWriter, r *http.Request) {
	answer(w, r, []Check{{Name: "process"}})
}

// readyz says whether clients may come.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	answer(w, r, s.env.Ready())
}

// result is a health page as JSON.
type result struct {
	Status string        `json:"status"`
	Checks []checkResult `json:"checks"`
}

type checkResult struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

func summarise(checks []Check) (res result, good bool) {
	res, good = result{Status: "ok", Checks: make([]checkResult, 0, len(checks))}, true
	for _, c := range checks {
		row := checkResult{Name: c.Name, Status: "ok"}
		if c.Err != nil {
			row.Status, row.Reason = "failed", c.Err.Error()
			res.Status, good = "failed", false
		}
		res.Checks = append(res.Checks, row)
	}
	return res, good
}

// answer writes a health page: 200 or 503; as JSON where asked for; with every
// check where ?verbose is given, else with those that failed.
func answer(w http.ResponseWriter, r *http.Request, checks []Check) {
	res, good := summarise(checks)
	status := http.StatusOK
	if !good {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(res) // the connection's errors are the client's
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, res.Status)
	for _, c := range res.Checks {
		switch {
		case c.Reason != "":
			fmt.Fprintf(w, "[-] %s: %s\n", c.Name, c.Reason)
		case r.URL.Query().Has("verbose"):
			fmt.Fprintf(w, "[+] %s\n", c.Name)
		}
	}
}
