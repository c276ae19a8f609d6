package dev.millrace.http;

import dev.millrace.certificate.CertificateReader.Expiry;
import dev.millrace.lag.ServerUse;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The metrics of source, target and certificates. The connections have the names that dashboards
/// of HikariCP use. Stateless.
final class ServerMetrics {

    private ServerMetrics() {}

    static void add(MetricSnapshots.Builder metrics, List<ServerUse> servers) {
        if (servers.isEmpty()) {
            return;
        }
        InfoSnapshot.Builder versions =
                InfoSnapshot.builder()
                        .name("millrace_server")
                        .help("Version of PostgreSQL of the source and of the target");
        servers.stream()
                .filter(server -> server.version() != null)
                .forEach(
                        server ->
                                versions.dataPoint(
                                        InfoDataPointSnapshot.builder()
                                                .labels(
                                                        Labels.of(
                                                                "server",
                                                                server.name(),
                                                                "version",
                                                                server.version()))
                                                .build()));
        metrics.metricSnapshot(versions.build());
        each(
                metrics,
                "millrace_server_latency_seconds",
                "Seconds that the server took for the last short query of Millrace",
                "server",
                servers,
                ServerUse::latencySeconds);
        each(
                metrics,
                "millrace_server_lock_waits",
                "Sessions of the database that wait for a lock",
                "server",
                servers,
                ServerUse::lockWaits);
        each(
                metrics,
                "millrace_server_slow_queries",
                "Sessions of other programs whose statement runs for more than five seconds. No"
                        + " sample if the role may not see them (pg_read_all_stats)",
                "server",
                servers,
                ServerUse::slowQueries);
        pools(metrics, servers);
    }

    static void addCertificates(MetricSnapshots.Builder metrics, List<Expiry> certificates) {
        if (certificates.isEmpty()) {
            return;
        }
        GaugeSnapshot.Builder expiry =
                GaugeSnapshot.builder()
                        .name("millrace_certificate_expiry_timestamp_seconds")
                        .help("Time at which a certificate expires on which connections depend");
        certificates.forEach(
                each ->
                        expiry.dataPoint(
                                MigrationMetrics.point(
                                        Labels.of("certificate", each.certificate()),
                                        each.expiresAt().getEpochSecond())));
        metrics.metricSnapshot(expiry.build());
    }

    private static void pools(MetricSnapshots.Builder metrics, List<ServerUse> servers) {
        each(
                metrics,
                "hikaricp_connections_active",
                "Connections of the pool that are in use",
                "pool",
                servers,
                server -> server.pool().active());
        each(
                metrics,
                "hikaricp_connections_idle",
                "Connections of the pool that are not in use",
                "pool",
                servers,
                server -> server.pool().idle());
        each(
                metrics,
                "hikaricp_connections_pending",
                "Threads that wait for a connection of the pool",
                "pool",
                servers,
                server -> server.pool().waiting());
        each(
                metrics,
                "hikaricp_connections_max",
                "Most connections of the pool",
                "pool",
                servers,
                server -> server.pool().limit());
    }

    private static void each(
            MetricSnapshots.Builder metrics,
            String name,
            String help,
            String label,
            List<ServerUse> servers,
            Function<ServerUse, @Nullable Number> value) {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
        for (ServerUse server : servers) {
            Number known = value.apply(server);
            if (known != null) {
                gauge.dataPoint(
                        MigrationMetrics.point(
                                Labels.of(label, server.name()), known.doubleValue()));
            }
        }
        metrics.metricSnapshot(gauge.build());
    }
}
