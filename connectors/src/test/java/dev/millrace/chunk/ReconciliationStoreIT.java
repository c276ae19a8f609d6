package dev.millrace.chunk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.chunk.ReconciliationStore.Stored;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ReconciliationStoreIT {

    private final TestDatabase target = PostgresServer.shared().newDatabase();

    private static Stored report(String verdict, int minute) {
        Instant started = Instant.parse("2026-03-01T10:00:00.123456Z");
        return new Stored(
                UUID.randomUUID(),
                verdict,
                started,
                started.plusSeconds(60L * minute),
                "{\"verdict\": \"" + verdict + "\"}");
    }

    @Test
    void aReportComesBackByIdAndTheLatestByTime() throws Exception {
        target.execute("CREATE SCHEMA millrace", "SET search_path = millrace", controlSchema());
        ReconciliationStore store = new ReconciliationStore("shop", target::connect);
        Stored late = report("equal", 9);
        Stored early = report("different", 3);
        new ReconciliationStore("other", target::connect).save(report("undecided", 20));
        assertThat(store.latest()).isEmpty();

        store.save(late);
        store.save(early);

        assertThat(store.find(early.id())).contains(early);
        assertThat(store.latest()).contains(late);
        assertThat(store.find(UUID.randomUUID())).isEmpty();
    }

    private static String controlSchema() throws Exception {
        try (InputStream sql =
                ReconciliationStore.class.getResourceAsStream(
                        "/dev/millrace/target/control/V1__control.sql")) {
            return new String(Objects.requireNonNull(sql).readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
