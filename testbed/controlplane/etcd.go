package controlplane

import (
	"errors"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// The addresses are in a network namespace of the test bed's own, so they meet no other etcd.
var (
	etcdClients = url.URL{Scheme: "http", Host: "127.0.0.1:2379"}
	etcdPeers   = url.URL{Scheme: "http", Host: "127.0.0.1:2380"}
)

// startEtcd runs etcd in this process and returns its address. Nothing is flushed to the disk: the
// cluster does not outlive its process.
func startEtcd(dir string) (string, error) {
	config := embed.NewConfig()
	config.Name = "testbed"
	config.Dir = dir
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{etcdClients}, []url.URL{etcdClients}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{etcdPeers}, []url.URL{etcdPeers}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.UnsafeNoFsync = true
	config.LogLevel = "warn"
	server, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-server.Server.ReadyNotify():
		return etcdClients.String(), nil
	case err := <-server.Err():
		return "", err
	case <-time.After(time.Minute):
		return "", errors.New("not ready after a minute")
	}
}
