package dev.millrace.faults.harness;

import dev.millrace.faults.harness.Databases.Addresses;
import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.testing.BrokerProcess;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.CutProxy.Wire;
import java.util.List;

/// A proxy between a migration and each of its servers, and a broker that is reached only through
/// its proxy, whose port it advertises. The test's own client of the broker uses the proxy too;
/// databases it reaches directly. Not thread-safe.
final class Edges implements AutoCloseable {

    /// Connections of one kind.
    record Edge(String name, Wire wire) {
        @Override
        public String toString() {
            return name;
        }
    }

    private final Databases databases;
    private final CutProxy source;
    private final CutProxy target;
    private final CutProxy kafka;
    private final BrokerProcess broker;
    private final List<Edge> all;

    Edges(Databases databases) {
        this.databases = databases;
        source = CutProxy.before(databases.source());
        target = CutProxy.before(databases.target());
        int port = LoopbackPort.free();
        kafka = CutProxy.before("127.0.0.1", port);
        broker = new BrokerProcess(port, kafka.port());
        all =
                List.of(
                        new Edge("replication", source.splitReplication()),
                        new Edge("source", source.wire()),
                        new Edge("target", target.wire()),
                        new Edge("kafka", kafka.wire()));
    }

    Databases databases() {
        return databases;
    }

    Addresses addresses() {
        return new Addresses(
                source.through(databases.source()),
                target.through(databases.target()),
                "127.0.0.1:" + kafka.port(),
                true);
    }

    List<Edge> all() {
        return all;
    }

    BrokerProcess broker() {
        return broker;
    }

    @Override
    public void close() {
        source.close();
        target.close();
        kafka.close();
        broker.close();
    }
}
