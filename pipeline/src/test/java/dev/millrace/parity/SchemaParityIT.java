package dev.millrace.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.mapping.Mapping;
import dev.millrace.parity.SchemaFinding.Kind;
import dev.millrace.parity.SchemaFinding.Severity;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Each finding is planted on a real server, is the only one, and is gone after its own remedy.
class SchemaParityIT {

    private final ParityScene scene = new ParityScene();
    private final List<Mapping> mappings = scene.mappings();

    @AfterEach
    void close() {
        scene.close();
    }

    private List<SchemaFinding> findings() {
        SchemaParity.Report report = scene.parity().report(mappings, mappings);
        assertThat(report.unknown()).isNull();
        return report.findings();
    }

    private List<SchemaFinding> privileges() {
        return findings().stream().filter(finding -> finding.kind() == Kind.PRIVILEGE).toList();
    }

    private void fix(SchemaFinding finding) {
        for (String statement : ParityScene.statements(finding.remedy())) {
            scene.target.execute(statement);
        }
    }

    @Test
    void findsNothingWhereTheTargetHasWhatTheSourceHas() {
        assertThat(findings()).isEmpty();
        assertThat(scene.parity().lackingColumns(mappings)).isEmpty();
    }

    @ParameterizedTest(name = "{2} {3}: {0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            textBlock =
                    """
                    DROP COLUMN extra                       | lib.volume.extra | COLUMN      | BLOCKS
                    ALTER extra TYPE varchar(5)             | lib.volume.extra | TYPE        | BLOCKS
                    ALTER name TYPE text                    | lib.volume.name  | TYPE        | WARNING
                    ALTER name DROP NOT NULL                | lib.volume.name  | NULLABILITY | WARNING
                    ALTER extra SET NOT NULL                | lib.volume.extra | NULLABILITY | WARNING
                    ALTER name DROP DEFAULT                 | lib.volume.name  | DEFAULT     | BLOCKS
                    ALTER note DROP DEFAULT                 | lib.volume.note  | DEFAULT     | WARNING
                    ALTER note SET DEFAULT 'other'          | lib.volume.note  | DEFAULT     | WARNING
                    ADD CONSTRAINT big CHECK (pages < 9999) NOT VALID | lib.volume | CONSTRAINT | BLOCKS
                    ADD CONSTRAINT w2 FOREIGN KEY (writer) REFERENCES lib.writer NOT VALID | lib.volume | CONSTRAINT | BLOCKS
                    DROP CONSTRAINT volume_isbn             | lib.volume       | CONSTRAINT  | WARNING
                    DROP CONSTRAINT some_pages              | lib.volume       | CONSTRAINT  | WARNING
                    DROP CONSTRAINT volume_writer           | lib.volume       | CONSTRAINT  | WARNING
                    """)
    void isGreenAfterItsRemedy(String change, String object, Kind kind, Severity severity) {
        scene.target.execute("ALTER TABLE lib.volume " + change);

        assertThat(findings())
                .singleElement()
                .satisfies(
                        only -> {
                            assertThat(only.object()).isEqualTo(object);
                            assertThat(only.kind()).isEqualTo(kind);
                            assertThat(only.severity()).isEqualTo(severity);
                            fix(only);
                        });
        assertThat(findings()).isEmpty();
    }

    @Test
    void anIndexIsMissing() {
        scene.target.execute("DROP INDEX lib.volume_name");

        assertThat(findings())
                .singleElement()
                .satisfies(
                        only -> {
                            assertThat(only.kind()).isEqualTo(Kind.INDEX);
                            assertThat(only.severity()).isEqualTo(Severity.WARNING);
                            fix(only);
                        });
        assertThat(findings()).isEmpty();
    }

    /// As an operator leaves it behind.
    @Test
    void anIndexIsInvalid() {
        scene.target.execute("INSERT INTO lib.volume (id, extra) VALUES (1, 'x'), (2, 'x')");
        assertThatThrownBy(
                        () ->
                                scene.target.execute(
                                        "CREATE UNIQUE INDEX CONCURRENTLY half ON lib.volume (extra)"))
                .hasMessageContaining("half");

        List<SchemaFinding> found = findings();

        assertThat(found)
                .singleElement()
                .satisfies(
                        only -> {
                            assertThat(only.kind()).isEqualTo(Kind.INDEX);
                            assertThat(only.severity()).isEqualTo(Severity.BLOCKS);
                            assertThat(only.message()).contains("lib.half");
                        });
        scene.target.execute("DELETE FROM lib.volume WHERE id = 2");
        found.forEach(this::fix);
        assertThat(findings()).isEmpty();
    }

    /// A constraint that a partition inherits is fixed at the root, and any other one at the
    /// partition.
    @Test
    void partitionsAreReadToo() {
        scene.source.execute("CREATE TABLE event (id int PRIMARY KEY, v int)");
        scene.target.execute(
                "CREATE TABLE lib.event (id int PRIMARY KEY, v int) PARTITION BY RANGE (id)",
                "CREATE TABLE lib.event_1 PARTITION OF lib.event FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE lib.event ADD CONSTRAINT whole CHECK (v > 0) NOT VALID",
                "ALTER TABLE lib.event_1 ADD CONSTRAINT own CHECK (v < 5) NOT VALID");
        List<Mapping> partitioned = scene.mappings("lib.event: SELECT id, v FROM public.event");

        List<SchemaFinding> found = scene.parity().report(partitioned, partitioned).findings();

        assertThat(found)
                .extracting(SchemaFinding::object)
                .containsExactlyInAnyOrder("lib.event", "lib.event_1");
        found.forEach(this::fix);
        assertThat(scene.parity().report(partitioned, partitioned).findings()).isEmpty();
    }

    @Test
    void aSequenceIsNotAheadOfTheData() {
        scene.target.execute("INSERT INTO lib.ticket VALUES (200000)");

        assertThat(findings())
                .singleElement()
                .satisfies(
                        only -> {
                            assertThat(only.kind()).isEqualTo(Kind.SEQUENCE);
                            assertThat(only.object()).isEqualTo("sequence lib.ticket_id_seq");
                            assertThat(only.message()).contains("200000");
                            fix(only);
                        });
        assertThat(findings()).isEmpty();
        scene.target.execute("INSERT INTO lib.ticket DEFAULT VALUES");
        assertThat(scene.target.value("SELECT max(id) > 200000 FROM lib.ticket")).isEqualTo("t");
    }

    @Test
    void noSequenceSuppliesAColumnAnyMore() {
        scene.target.execute("ALTER TABLE lib.ticket ALTER id DROP IDENTITY");

        List<SchemaFinding> found = findings();

        assertThat(found)
                .singleElement()
                .satisfies(only -> assertThat(only.message()).contains("gets no value"));
        found.forEach(this::fix);
        findings().forEach(this::fix);
        assertThat(findings()).isEmpty();
    }

    @Test
    void aRoleLacksPrivileges() {
        String role = "parity_" + Long.toString(System.nanoTime(), 36);
        scene.target.execute(
                "CREATE ROLE " + role + " LOGIN PASSWORD 'pw'",
                "CREATE SEQUENCE lib.volume_no",
                "ALTER TABLE lib.volume ADD no int DEFAULT nextval('lib.volume_no')");
        try {
            scene.source.execute(
                    "GRANT SELECT ON author TO " + role, "GRANT INSERT ON book TO " + role);

            List<SchemaFinding> found = privileges();

            assertThat(found)
                    .extracting(SchemaFinding::object, SchemaFinding::severity)
                    .containsExactlyInAnyOrder(
                            tuple("lib.writer", Severity.WARNING),
                            tuple("lib.volume", Severity.BLOCKS),
                            tuple("sequence lib.volume_no", Severity.BLOCKS));
            scene.comparing = Set.of(role);
            assertThat(privileges()).as("it only compares").isEmpty();
            scene.comparing = Set.of();
            found.forEach(this::fix);
            assertThat(privileges()).isEmpty();
        } finally {
            scene.target.execute("DROP OWNED BY " + role);
            scene.source.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
        }
    }

    /// Two tables become one: the column that tells them apart belongs to the key.
    @Test
    void aUniqueKeyMayIncludeWhereARowComesFrom() {
        scene.source.execute("CREATE TABLE shelf (id int PRIMARY KEY, code text UNIQUE)");
        scene.target.execute(
                "CREATE TABLE lib.place (kind text, id int, code text, PRIMARY KEY (kind, id), UNIQUE (kind, code))");
        List<Mapping> merged =
                scene.mappings("lib.place: SELECT 'shelf' AS kind, id, code FROM public.shelf");

        assertThat(scene.parity().report(merged, merged).findings()).isEmpty();
    }

    @Test
    void whatCannotBeReadIsUnknown() {
        scene.target.execute("DROP SCHEMA lib CASCADE");
        scene.targetDatabase.close();

        SchemaParity.Report report = scene.parity().report(mappings, mappings);

        assertThat(report.findings()).isEmpty();
        assertThat(report.unknown()).isNotEmpty();
    }

    @Test
    void onlyColumnsCloseTheGateOfTheSchema() {
        scene.target.execute(
                "ALTER TABLE lib.volume ALTER name DROP DEFAULT",
                "ALTER TABLE lib.volume ALTER note DROP DEFAULT",
                "ALTER TABLE lib.volume ADD CONSTRAINT big CHECK (pages < 9999) NOT VALID");

        assertThat(scene.parity().lackingColumns(mappings))
                .singleElement()
                .asString()
                .startsWith("lib.volume.name is NOT NULL without a default")
                .endsWith("SET DEFAULT 'untitled'::character varying;");
    }
}
