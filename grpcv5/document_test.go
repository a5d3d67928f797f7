package grpcv5

import (
	"os"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Every method of the contract is in the table, and in the documentation.
func TestEveryMethodIsThere(t *testing.T) {
	doc, err := os.ReadFile("../docs/protocols/grpc.md")
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{}
	desc := (&Server{metrics: newMetrics(nil)}).service()
	for _, m := range desc.Methods {
		served[m.MethodName] = true
	}
	for _, s := range desc.Streams {
		served[s.StreamName] = true
	}
	contract := apis.MessagingService_ServiceDesc
	var names []string
	for _, m := range contract.Methods {
		names = append(names, m.MethodName)
	}
	for _, s := range contract.Streams {
		names = append(names, s.StreamName)
	}
	for _, name := range names {
		if !served[name] {
			t.Errorf("%s is not served", name)
		}
		if !strings.Contains(string(doc), name) {
			t.Errorf("%s is not in docs/protocols/grpc.md", name)
		}
	}
	if desc.ServiceName != contract.ServiceName {
		t.Errorf("the service is %s, want %s", desc.ServiceName, contract.ServiceName)
	}
}
