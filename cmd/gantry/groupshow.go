package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gantrymq/gantry/internal/ops"
)

// adminFlag names the admin port, which knows what no client's protocol says.
type adminFlag struct {
	Admin string `help:"Address of the server's admin port (GANTRY_ADMIN)." default:"${admin}"`
}

// get reads a page of the admin port as JSON.
func (f *adminFlag) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.Admin+path, nil)
	if err != nil {
		return fail(exitUsage, "--admin %q is no address: %v", f.Admin, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fail(exitUnreachable, "cannot reach an admin port at %s: %v; name another with --admin", f.Admin, cause(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		code := exitFailed
		if resp.StatusCode == http.StatusNotFound {
			code = exitNotFound
		}
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fail(code, "%s says: %s", f.Admin, strings.TrimSpace(string(said)))
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("%s sent no JSON: %w", f.Admin, err)
	}
	return nil
}

type groupListCommand struct {
	adminFlag
	output
}

// Run lists the groups.
func (c *groupListCommand) Run(ctx context.Context, around *surroundings) error {
	var all []ops.Group
	if err := c.get(ctx, "/groups", &all); err != nil {
		return err
	}
	print := c.printer(around.stdout)
	for i := range all {
		if err := print.row(&all[i], groupLine(&all[i])); err != nil {
			return err
		}
	}
	return print.end()
}

func groupLine(g *ops.Group) string {
	line := fmt.Sprintf("%s  order %s, from %s, %d attempts", g.Group, g.Order, g.From, g.Attempts)
	if g.Disabled {
		line += ", disabled"
	}
	return line
}

type groupShowCommand struct {
	adminFlag
	output
	Group string `arg:"" help:"Name of the group."`
}

// Run shows one group.
func (c *groupShowCommand) Run(ctx context.Context, around *surroundings) error {
	var g ops.GroupDetails
	if err := c.get(ctx, "/groups/"+url.PathEscape(c.Group), &g); err != nil {
		return err
	}
	return c.document(around.stdout, &g, func(w io.Writer) error { return writeGroup(w, &g) })
}

// writeGroup prints a group for people.
func writeGroup(w io.Writer, g *ops.GroupDetails) error {
	fmt.Fprintln(w, groupLine(&g.Group))
	for _, m := range g.Members {
		fmt.Fprintf(w, "member %s at %s, %s\n", m.ClientID, m.Address, m.Language)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(g.Queues) > 0 {
		fmt.Fprintln(t, "TOPIC\tQUEUE\tFIRST\tDONE TO\tREAD TO\tNEXT\tIN FLIGHT\tTO COME AGAIN\tLOCKED")
	}
	for _, q := range g.Queues {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", q.Topic, q.Queue, q.First, q.Floor, q.Read, q.Next, q.InFlight, q.Waiting, q.Locked)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, q := range g.Queues {
		for _, m := range q.Messages {
			fmt.Fprintf(w, "%s/%d offset %d: attempt %d, %s\n", q.Topic, q.Queue, m.Offset, m.Attempt, heldText(&m))
		}
	}
	return nil
}

func heldText(m *ops.GroupMessage) string {
	switch {
	case m.Released:
		return "comes again at once"
	case m.Owner != "":
		return "held by " + m.Owner + " while it lives"
	}
	return "held until " + m.Until.Format(time.RFC3339Nano)
}
