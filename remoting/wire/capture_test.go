package wire

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// capture is a frame of a real client.
type capture struct {
	name   string
	client string // java-4.9.8
	binary bool
	code   RequestCode
	frame  []byte
}

var captureName = regexp.MustCompile(`^([a-z]+-[0-9.]+)-(json|rocketmq)-([0-9]+)`)

func captures(t testing.TB) []capture {
	t.Helper()
	files, err := filepath.Glob("testdata/captures/*.hex")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	var all []capture
	for _, file := range files {
		m := captureName.FindStringSubmatch(filepath.Base(file))
		if m == nil {
			t.Fatalf("%s has an unknown form of name", file)
		}
		code, _ := strconv.Atoi(m[3])
		all = append(all, capture{
			name: strings.TrimSuffix(filepath.Base(file), ".hex"), client: m[1],
			binary: m[2] == "rocketmq", code: RequestCode(code), frame: readHex(t, file),
		})
	}
	return all
}

// readHex reads a file of hexadecimal lines; those that begin with # are comments.
func readHex(t testing.TB, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var frame []byte
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		b, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		frame = append(frame, b...)
	}
	return frame
}

func TestCapturesDecode(t *testing.T) {
	for _, c := range captures(t) {
		t.Run(c.name, func(t *testing.T) {
			size, err := FrameSize(c.frame)
			if err != nil || size != len(c.frame) {
				t.Fatalf("frame size %d, %v; the capture has %d bytes", size, err, len(c.frame))
			}
			var cmd Command
			if err := cmd.Decode(c.frame); err != nil {
				t.Fatal(err)
			}
			if got := RequestCode(cmd.Code).Canonical(); got != c.code {
				t.Errorf("code %d, want %d", got, c.code)
			}
			if (cmd.Serialization == Binary) != c.binary {
				t.Errorf("serialization %d", cmd.Serialization)
			}
			if want := strings.ToUpper(strings.SplitN(c.client, "-", 2)[0]); cmd.Language.String() != want {
				t.Errorf("language %s, want %s", cmd.Language, want)
			}
			if cmd.Version == 0 || cmd.IsResponse() {
				t.Errorf("version %d, flag %d", cmd.Version, cmd.Flag)
			}
			if err := decodeRequest(&cmd); err != nil {
				t.Error(err)
			}
		})
	}
}

// decodeRequest decodes what is in a request of a kind that has a struct.
func decodeRequest(cmd *Command) error {
	switch RequestCode(cmd.Code) {
	case SendMessage, SendMessageV2:
		return new(SendRequest).Decode(cmd.Ext)
	case SendBatchMessage:
		if err := new(SendRequest).Decode(cmd.Ext); err != nil {
			return err
		}
		_, err := DecodeBatch(nil, cmd.Body)
		return err
	case PullMessage, LitePullMessage:
		return new(PullRequest).Decode(cmd.Ext)
	case QueryConsumerOffset:
		return new(OffsetRequest).DecodeQuery(cmd.Ext)
	case UpdateConsumerOffset:
		return new(OffsetRequest).DecodeCommit(cmd.Ext)
	case HeartBeat:
		return new(Heartbeat).Decode(cmd.Body)
	}
	return nil
}

func TestCapturesSurviveEncoding(t *testing.T) {
	for _, c := range captures(t) {
		for _, s := range []Serialization{JSON, Binary} {
			var cmd, again Command
			if err := cmd.Decode(c.frame); err != nil {
				t.Fatal(err)
			}
			cmd.Serialization = s
			if err := again.Decode(cmd.AppendTo(nil)); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if diff := differ(&cmd, &again); diff != "" {
				t.Errorf("%s as %d: %s", c.name, s, diff)
			}
			// Decoding unescapes in place, so the frame is read anew.
			c.frame = readHex(t, "testdata/captures/"+c.name+".hex")
		}
	}
}

func TestFrameSizeOfEveryPrefix(t *testing.T) {
	for _, c := range captures(t) {
		for n := range len(c.frame) {
			size, err := FrameSize(c.frame[:n])
			if err != nil || n >= lengthSize && size != len(c.frame) || n < lengthSize && size != 0 {
				t.Fatalf("%s: %d bytes give size %d, %v", c.name, n, size, err)
			}
		}
	}
}

// differ says what is not the same in two commands.
func differ(a, b *Command) string {
	switch {
	case a.Code != b.Code:
		return "code differs"
	case a.Language != b.Language:
		return "language differs"
	case a.Version != b.Version:
		return "version differs"
	case a.Opaque != b.Opaque:
		return "opaque differs"
	case a.Flag != b.Flag:
		return "flag differs"
	case a.Remark != b.Remark:
		return "remark differs"
	case len(a.Ext) != len(b.Ext):
		return "number of ext fields differs"
	case string(a.Body) != string(b.Body):
		return "body differs"
	}
	for i := range a.Ext {
		if string(a.Ext[i].Key) != string(b.Ext[i].Key) || string(a.Ext[i].Value) != string(b.Ext[i].Value) {
			return "ext field " + string(a.Ext[i].Key) + " differs"
		}
	}
	return ""
}
