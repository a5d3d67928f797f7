package protocols

import "github.com/prometheus/client_golang/prometheus"

func (a *Advertiser) register(reg prometheus.Registerer) {
	if reg == nil {
		return
	}
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gantry_advertise_suspect",
		Help: "Client addresses that reached the server through address translation and are probably told an address they cannot dial.",
	}, func() float64 { return float64(a.Suspects()) }))
}
