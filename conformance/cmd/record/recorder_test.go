package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCaptures: every committed capture is one whole request of the code and serialization that its name says.
func TestCaptures(t *testing.T) {
	files, err := filepath.Glob("../../captures/*.hex")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			frame, err := readCapture(file)
			if err != nil {
				t.Fatal(err)
			}
			code, isAnswer, err := requestCode(frame)
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.Split(strings.TrimSuffix(filepath.Base(file), ".hex"), "-")
			if want, err := strconv.Atoi(parts[3]); err != nil || code != want || isAnswer {
				t.Errorf("request code %d (answer: %v), the name says %s", code, isAnswer, parts[3])
			}
			if binary := frame[4] == 1; binary != (parts[2] == "rocketmq") {
				t.Errorf("serialize type %d, the name says %s", frame[4], parts[2])
			}
		})
	}
}

func readCapture(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.TrimSpace(line))
		}
	}
	frame, err := hex.DecodeString(digits.String())
	if err != nil {
		return nil, err
	}
	read, err := readFrame(strings.NewReader(string(frame)))
	if err != nil {
		return nil, err
	}
	if len(read) != len(frame) {
		return nil, fmt.Errorf("%d bytes follow the frame", len(frame)-len(read))
	}
	return frame, nil
}
