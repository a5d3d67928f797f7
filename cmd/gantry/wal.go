package main

import (
	"github.com/gantrymq/gantry/internal/waltool"
)

type walCommands struct {
	Inspect walInspectCommand `cmd:"" help:"List segments, parts and what the manifest says."`
	Verify  walVerifyCommand  `cmd:"" help:"Verify every frame and record; exit with 1 at the first damage."`
	Dump    walDumpCommand    `cmd:"" help:"Print a line for each record."`
}

// walFolder is for every command that looks at a data folder.
type walFolder struct {
	Data  string `help:"Data folder." default:"${data}" placeholder:"DIR"`
	Shard uint16 `help:"Shard to look at." default:"0"`
	Force bool   `help:"Look at it even while a server has it open."`
}

func (f *walFolder) folder() waltool.Folder {
	return waltool.Folder{Data: f.Data, Shard: f.Shard, Force: f.Force}
}

// walFrom is for every command that reads records.
type walFrom struct {
	From int64 `help:"First LSN to read." default:"0" placeholder:"LSN"`
}

type walInspectCommand struct {
	walFolder
	output
}

// Run prints what there is.
func (c *walInspectCommand) Run(around *surroundings) error {
	report, err := waltool.Inspect(c.folder())
	if err != nil {
		return err
	}
	return c.document(around.stdout, report, report.Text)
}

type walVerifyCommand struct {
	walFolder
	walFrom
	output
}

// Run verifies the log.
func (c *walVerifyCommand) Run(around *surroundings) error {
	verdict, err := waltool.Verify(c.folder(), c.From)
	if err != nil {
		return err
	}
	if err := c.document(around.stdout, verdict, verdict.Text); err != nil {
		return err
	}
	return damaged(verdict.Damage)
}

type walDumpCommand struct {
	walFolder
	walFrom
	output
	Bodies bool `help:"The bodies of messages too."`
}

// Run prints the records.
func (c *walDumpCommand) Run(around *surroundings) error {
	print := c.printer(around.stdout)
	damage, err := waltool.Dump(c.folder(), c.From, c.Bodies, func(l *waltool.Line) error {
		return print.row(l, l.Text())
	})
	if err != nil {
		return err
	}
	if err := print.end(); err != nil {
		return err
	}
	return damaged(damage)
}

func damaged(d *waltool.Damage) error {
	if d == nil {
		return nil
	}
	return fail(exitFailed, "the log is damaged: %s", d)
}
