package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Which Debezium properties the file may set.
class DebeziumCheckTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "slot.name",
                "publication.autocreate.mode",
                "plugin.name",
                "snapshot.mode",
                "topic.prefix",
                "table.include.list",
                "schema.include.list",
                "offset.storage",
                "database.hostname",
                "database.port",
                "database.user",
                "database.password",
                "database.dbname",
                "database.sslmode",
                "database.initial.statements",
                "database.query.timeout.ms",
                "database.connection.factory.class",
                "driver.options",
                "driver.socketTimeout",
                "converters",
                "sourceinfo.struct.maker",
                "key.converter",
                "value.converter.schemas.enable",
                "skipped.operations",
                "tombstones.on.delete",
                "provide.transaction.metadata",
                "event.processing.failure.handling.mode",
                "lsn.flush.mode",
                "name",
                "tasks.max",
                "connector.class",
                "binary.handling.mode",
                "decimal.handling.mode",
                "time.precision.mode",
                "interval.handling.mode",
                "hstore.handling.mode",
                "include.unknown.datatypes",
                "slot.drop.on.stop",
                "slot.stream.params",
                "message.prefix.include.list",
                "signal.data.collection",
                "incremental.snapshot.chunk.size",
                "heartbeat.interval.ms",
                "millrace.boundary.lsn"
            })
    void refusesPropertiesThatMillraceSets(String property) {
        assertThat(problems(VALID + "debezium:\n  " + property + ": x\n"))
                .singleElement()
                .asString()
                .startsWith("m.yaml:11:3: debezium[\"" + property + "\"]: is set by Millrace: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"snapshot.fetch.size", "max.queue.size", "status.update.interval.ms"})
    void passesOtherProperties(String property) {
        assertThat(valid(VALID + "debezium:\n  " + property + ": 7\n", Map.of()).spec().debezium())
                .isEqualTo(Map.of(property, "7"));
    }
}
