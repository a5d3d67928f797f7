package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// output is for every command that prints rows.
type output struct {
	Output string `short:"o" help:"text, json (one document) or jsonl (a line per row)." enum:"text,json,jsonl" default:"text"`
}

func (o *output) printer(w io.Writer) *printer { return &printer{w: w, form: o.Output} }

// document prints one value: as text for people, as a document, or on one line.
func (o *output) document(w io.Writer, value any, text func(io.Writer) error) error {
	if o.Output == "text" {
		return text(w)
	}
	e := json.NewEncoder(w)
	if o.Output == "json" {
		e.SetIndent("", "  ")
	}
	return e.Encode(value)
}

// printer prints rows in the form that was asked for: each from the same value.
type printer struct {
	w    io.Writer
	form string
	rows []any // until end, for a json document
}

// row prints one row; text is its form for people.
func (p *printer) row(value any, text string) error {
	switch p.form {
	case "json":
		p.rows = append(p.rows, value)
		return nil
	case "jsonl":
		return json.NewEncoder(p.w).Encode(value)
	}
	_, err := fmt.Fprintln(p.w, text)
	return err
}

// end prints what needs all rows.
func (p *printer) end() error {
	if p.form != "json" {
		return nil
	}
	if p.rows == nil {
		p.rows = []any{}
	}
	e := json.NewEncoder(p.w)
	e.SetIndent("", "  ")
	return e.Encode(p.rows)
}
