package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.control.StoredOffset;
import dev.millrace.lifecycle.ComponentState;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TargetApplierIT {

    private static final String ITEM =
            "CREATE TABLE item (id bigint PRIMARY KEY, name text, body text)";
    private static final RowSchema ROW_SCHEMA =
            ApplierScenario.rowSchema("item", "id", "name", "body");

    private static Row item(String id, String name, @Nullable String body) {
        return Row.of(ROW_SCHEMA, id, name, body);
    }

    @Test
    void commitsRowsOffsetsAndWatermarksTogether() throws Exception {
        try (var scenario = new ApplierScenario(2, ITEM)) {
            TargetApplier applier = scenario.start();

            scenario.upsert(0, item("1", "one", "x"));
            scenario.upsert(1, item("2", "two", null));
            scenario.upsert(0, item("3", "three", ""));
            scenario.upsert(0, item("1", "uno", "y"));
            scenario.delete(0, ApplierScenario.key(ROW_SCHEMA, "3"));
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT * FROM item ORDER BY id"))
                    .isEqualTo(List.of(List.of("1", "uno", "y"), Arrays.asList("2", "two", null)));
            assertThat(scenario.stored().partitions())
                    .extracting(StoredOffset::nextOffset)
                    .containsExactly(5L, 2L);
            assertThat(scenario.stored().rowsApplied()).isEqualTo(5);
            assertThat(applier.state()).isInstanceOf(ComponentState.Running.class);
            assertThat(applier.counts().rows()).containsEntry(ROW_SCHEMA.table(), 5L);
            assertThat(applier.replicaRole()).contains(ReplicaRole.ORIGIN);
        }
    }

    @Test
    void dropsARecordThatWasSentAgain() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.start();
            Token first = scenario.next(0);
            Token second = scenario.next(0);

            scenario.send(0, new TargetChange.Upsert(first, item("1", "old", "x")));
            scenario.send(0, new TargetChange.Upsert(second, item("1", "new", "x")));
            scenario.awaitApplied();
            scenario.send(0, new TargetChange.Upsert(first, item("1", "old", "x")));
            scenario.awaitApplied();

            assertThat(scenario.database.value("SELECT name FROM item")).isEqualTo("new");
        }
    }
}
