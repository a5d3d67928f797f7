package remoting

import (
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/remoting/wire"
)

// documentation prints docs/protocols/remoting.md from the table of requests.
func documentation() string {
	var b strings.Builder
	b.WriteString(`<!-- Generated from remoting/router.go and remoting/unsupported.go by go generate ./remoting. -->
# RocketMQ remoting
The TCP protocol of RocketMQ 4.x and 5.x clients. One server is name server, broker and VIP port; every port answers every
request. Both header serializations (JSON and ROCKETMQ) are read, and answers go as their request came, in any order.

What is not handled is answered at once with 3 (REQUEST_CODE_NOT_SUPPORTED) and the reason. What each request takes and
answers, and where that is not what Apache RocketMQ does, stands at the top of the file of its family in ` + "`remoting/`" + `.

`)
	fmt.Fprintf(&b, `| limit | |
|---|---|
| frame | %d bytes |
| header | %d bytes, %d ext fields |
| first frame of a connection | within %v |
| frame, from its first byte to its last | %v |
| connection without traffic | closed after %v |
| answers that a client does not read | %d KiB and one more answer; then its requests are not read; a client that does not take %d KiB in %v is closed |
| incomplete frames, all connections together | %d MiB |

`, wire.MaxFrame, wire.MaxHeader, wire.MaxFields, firstFrameTimeout, frameTimeout, idleTimeout,
		maxOut>>10, writeChunk>>10, writeTimeout, partialBudget>>20)
	b.WriteString("## Handled\n| code | name | role | file | action |\n|---|---|---|---|---|\n")
	for _, r := range table() {
		fmt.Fprintf(&b, "| %d | %s | %s | %s.go | %s |\n", r.code, r.name, r.role, r.family, r.action)
	}
	b.WriteString("\nSent to clients: 40 NOTIFY_CONSUMER_IDS_CHANGED, 221 GET_CONSUMER_STATUS_FROM_CLIENT, 307 GET_CONSUMER_RUNNING_INFO,\n" +
		"309 CONSUME_MESSAGE_DIRECTLY, 326 PUSH_REPLY_MESSAGE_TO_CLIENT.\n")
	b.WriteString("\n## Refused\n| code | name | why |\n|---|---|---|\n")
	for _, u := range unsupported() {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", u.code, u.name, u.reason)
	}
	return b.String()
}
