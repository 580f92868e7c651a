package services

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"k8s.io/klog/v2"
)

const (
	// plainSize is how long an answer over udp may be if the client does not say more.
	plainSize = 512
	// maxUDPSize is how long an answer over udp is at most: it fits a packet everywhere.
	maxUDPSize = 1232
	// maxTCPSize is the limit of the length field.
	maxTCPSize = 65535
	// tcpIdle is how long a tcp client may stay silent.
	tcpIdle = 10 * time.Second
)

// serveUDP answers until ctx ends.
func serveUDP(ctx context.Context, conn *net.UDPConn, z zone) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	buf := make([]byte, maxTCPSize)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			klog.Errorf("DNS server: receive: %v", err)
			time.Sleep(acceptPause)
			continue
		}
		if reply := respond(z, buf[:n], false); reply != nil {
			if _, err := conn.WriteToUDPAddrPort(reply, from); err != nil {
				klog.V(2).Infof("DNS server: answer to %v: %v", from, err)
			}
		}
	}
}

// serveTCP answers one client until it closes, falls silent or sends what is no question.
func serveTCP(conn *net.TCPConn, z zone) {
	for conn.SetDeadline(time.Now().Add(tcpIdle)) == nil {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply := respond(z, query, true)
		if reply == nil {
			return
		}
		framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)
		if _, err := conn.Write(framed); err != nil {
			return
		}
	}
}

// respond makes the reply to a query; nil if there is nothing that could be replied to.
func respond(z zone, query []byte, tcp bool) []byte {
	var parser dnsmessage.Parser
	asked, err := parser.Start(query)
	if err != nil || asked.Response {
		return nil
	}
	reply := dnsmessage.Message{Header: dnsmessage.Header{
		ID: asked.ID, OpCode: asked.OpCode, RecursionDesired: asked.RecursionDesired,
		// Empty answers with neither of these are taken for a referral to another server.
		Response: true, Authoritative: true, RecursionAvailable: true,
	}}
	size := plainSize
	questions, err := parser.AllQuestions()
	switch {
	case err != nil || len(questions) != 1:
		reply.RCode = dnsmessage.RCodeFormatError
	case asked.OpCode != 0 || questions[0].Class != dnsmessage.ClassINET:
		reply.Questions = questions
		reply.RCode = dnsmessage.RCodeNotImplemented
	default:
		reply.Questions = questions
		if udpSize, ok := edns(&parser); ok {
			size = min(max(udpSize, plainSize), maxUDPSize)
			var header dnsmessage.ResourceHeader
			_ = header.SetEDNS0(maxUDPSize, dnsmessage.RCodeSuccess, false) // has no way to fail
			reply.Additionals = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.OPTResource{}}}
		}
		reply.Answers, reply.RCode = z.answer(questions[0])
	}
	if tcp {
		size = maxTCPSize
	}
	packed, err := reply.Pack()
	switch {
	case err != nil:
		klog.Errorf("DNS server: make the answer to %v: %v", reply.Questions, err)
		reply.Answers, reply.RCode = nil, dnsmessage.RCodeServerFailure
	case len(packed) > size:
		reply.Answers, reply.Truncated = nil, true
	default:
		return packed
	}
	packed, err = reply.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// edns returns the size of udp answers that the client can take, if it says so.
func edns(parser *dnsmessage.Parser) (int, bool) {
	if parser.SkipAllAnswers() != nil || parser.SkipAllAuthorities() != nil {
		return 0, false
	}
	for {
		header, err := parser.AdditionalHeader()
		if err != nil {
			return 0, false
		}
		if header.Type == dnsmessage.TypeOPT {
			return int(header.Class), true
		}
		if parser.SkipAdditional() != nil {
			return 0, false
		}
	}
}
