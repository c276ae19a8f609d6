package dev.millrace.faults.harness;

import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;

/// The databases of a run as the test reaches them. The target has the control schema.
record Databases(TestDatabase source, TestDatabase target) {

    /// How a migration reaches its servers.
    ///
    /// @param brokers for the test too
    /// @param faulty whether the test's own client of the broker meets faults too
    record Addresses(TestDatabase source, TestDatabase target, String brokers, boolean faulty) {}

    /// Of the servers that all tests share.
    static Databases ofSharedServers() {
        return new Databases(
                PostgresServer.shared().newDatabase(), PostgresServer.shared().newTarget());
    }

    /// Without a proxy.
    Addresses direct() {
        return new Addresses(source, target, KafkaServer.shared().bootstrapServers(), false);
    }
}
