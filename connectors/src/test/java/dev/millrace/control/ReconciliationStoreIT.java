package dev.millrace.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.ReconciliationStore.Stored;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ReconciliationStoreIT {

    private static final int GENERATION = 2;

    private final TestDatabase target = PostgresServer.shared().newTarget();
    private final Login login = GrantedLogins.apply(target);

    private static Stored report(String verdict, int minute, String... targets) {
        Instant started = Instant.parse("2026-03-01T10:00:00.123456Z");
        return new Stored(
                UUID.randomUUID(),
                GENERATION,
                verdict,
                started,
                started.plusSeconds(60L * minute),
                "{\"tables\": ["
                        + Stream.of(targets)
                                .map(
                                        target ->
                                                "{\"target\": \""
                                                        + target
                                                        + "\", \"verdict\": \""
                                                        + verdict
                                                        + "\"}")
                                .collect(Collectors.joining(", "))
                        + "], \"verdict\": \""
                        + verdict
                        + "\"}");
    }

    @Test
    void findsReportsByIdAndTheLatestOnAllTables() throws Exception {
        try (Database control = login.database("shop")) {
            ReconciliationStore store = new ReconciliationStore(control, "shop");
            Stored late = report("equal", 9, "crm.a", "crm.b");
            Stored early = report("different", 3, "crm.b", "crm.a", "crm.gone");
            new ReconciliationStore(control, "other")
                    .save(report("undecided", 20, "crm.a", "crm.b"));
            assertThat(store.latest(GENERATION, List.of("crm.a", "crm.b"))).isEmpty();

            store.save(late);
            store.save(early);
            store.save(report("equal", 30, "crm.a"));
            store.save(report("different", 31, "crm.gone"));

            assertThat(store.find(early.id())).contains(early);
            assertThat(store.latest(GENERATION, List.of("crm.a", "crm.b"))).contains(late);

            Stored partly = report("different", 32, "crm.a");
            store.save(partly);
            assertThat(store.latest(GENERATION, List.of("crm.a", "crm.b"))).contains(partly);
            assertThat(store.latestOfAll(GENERATION, List.of("crm.a", "crm.b"))).contains(late);
            assertThat(store.latest(3, List.of("crm.a", "crm.b")))
                    .as("another generation")
                    .isEmpty();
            assertThat(store.latestOfAll(3, List.of("crm.a", "crm.b"))).isEmpty();
            assertThat(store.find(UUID.randomUUID())).isEmpty();
        }
    }
}
