package dev.millrace.grants;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.grants.Grants.RoleGrants;
import dev.millrace.grants.Grants.Side;
import dev.millrace.grants.Grants.Use;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// What follows from the file alone. That it is enough is shown with real servers elsewhere.
class GrantsTest {

    private static final String HEAD =
            """
            migration: shop
            source: {url: 'jdbc:postgresql://a/shop%%2Beu', username: cap, password: hunter2%s}
            target: {url: 'jdbc:postgresql://b/crm', username: apply, password: hunter2}
            tables:
              crm.customer: SELECT id FROM public.users
              crm.visit: SELECT id FROM visit
            """;

    private static List<RoleGrants> grants(String reconcile, String more) {
        return Grants.of(spec(HEAD.formatted(reconcile) + more));
    }

    private static MigrationSpec spec(String text) {
        return switch (SpecReader.read("m.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid -> throw new AssertionError(invalid.problems());
        };
    }

    private static RoleGrants of(List<RoleGrants> grants, Use use, Side side) {
        return grants.stream()
                .filter(each -> each.use() == use && each.side() == side)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void withoutFurtherLoginsThereAreThoseOfBothSides() {
        List<RoleGrants> grants = grants("", "");

        assertThat(grants)
                .extracting(RoleGrants::use, RoleGrants::side, RoleGrants::login)
                .containsExactly(
                        tuple(Use.CAPTURE, Side.SOURCE, "cap"),
                        tuple(Use.APPLY, Side.TARGET, "apply"),
                        tuple(Use.SWITCHOVER, Side.SOURCE, "cap"),
                        tuple(Use.SWITCHOVER, Side.TARGET, "apply"));
        assertThat(grants.toString()).doesNotContain("hunter2");
        RoleGrants capture = of(grants, Use.CAPTURE, Side.SOURCE);
        assertThat(capture.database()).isEqualTo("shop+eu");
        assertThat(capture.statements())
                .contains(
                        "ALTER ROLE \"cap\" REPLICATION;",
                        "GRANT USAGE ON SCHEMA \"public\" TO \"cap\";",
                        "GRANT SELECT ON \"public\".\"users\" TO \"cap\";",
                        "GRANT SELECT ON \"visit\" TO \"cap\";")
                .noneMatch(statement -> statement.contains("INSERT"));
        assertThat(capture.notes())
                .satisfiesExactly(
                        note -> assertThat(note).contains("\"visit\" without a schema", "USAGE"),
                        note -> assertThat(note).contains("source.publication"));
        assertThat(of(grants, Use.APPLY, Side.TARGET).statements())
                .contains(
                        "GRANT SELECT, INSERT, UPDATE, DELETE ON \"crm\".\"visit\" TO \"apply\";");
    }

    @Test
    void aStopConditionOnSessionsOrStandbysOfASideNeedsToSeeThem() {
        String activity = "GRANT \"pg_read_all_stats\" TO \"%s\";";
        for (String metric : List.of("active-sessions", "replication-lag")) {
            String limit = metric.equals("active-sessions") ? "10" : "1GB";
            for (Side side : Side.values()) {
                List<RoleGrants> grants =
                        grants(
                                "",
                                "stop-when: [{metric: %s.%s, above: %s, then: pause}]"
                                        .formatted(side.word(), metric, limit));
                assertThat(
                                of(grants, Use.CAPTURE, Side.SOURCE)
                                        .statements()
                                        .contains(activity.formatted("cap")))
                        .isEqualTo(side == Side.SOURCE);
                assertThat(
                                of(grants, Use.APPLY, Side.TARGET)
                                        .statements()
                                        .contains(activity.formatted("apply")))
                        .isEqualTo(side == Side.TARGET);
            }
        }
    }

    @Test
    void theSelectOfAStopConditionIsNotedOnItsSide() {
        List<RoleGrants> grants =
                grants(
                        "",
                        """
                        stop-when:
                        - {name: jobs, sql: SELECT count(*) FROM job, on: target, above: 5, then: pause}
                        """);

        assertThat(of(grants, Use.APPLY, Side.TARGET).notes())
                .singleElement()
                .asString()
                .startsWith("Stop condition jobs:");
        assertThat(of(grants, Use.CAPTURE, Side.SOURCE).notes())
                .noneMatch(note -> note.contains("jobs"));
    }

    @Test
    void aLoginOfComparisonsOnlyReads() {
        List<RoleGrants> grants =
                grants(
                        ", reconcile: {username: Read er}",
                        "queries:\n- {name: q, old: SELECT 1, new: SELECT 1, role: app}\n");

        RoleGrants onSource = of(grants, Use.RECONCILE, Side.SOURCE);
        assertThat(onSource.login()).isEqualTo("Read er");
        assertThat(onSource.statements())
                .contains(
                        "GRANT SELECT ON \"public\".\"users\" TO \"Read er\";",
                        "ALTER DEFAULT PRIVILEGES FOR ROLE \"cap\" IN SCHEMA millrace GRANT SELECT"
                                + " ON TABLES TO \"Read er\";",
                        "GRANT \"app\" TO \"Read er\";")
                .noneMatch(statement -> statement.matches("(?s).*(INSERT|UPDATE|DELETE).*"));
        assertThat(of(grants, Use.RECONCILE, Side.TARGET).statements())
                .as("the other login compares")
                .containsExactly("GRANT \"app\" TO \"apply\";");
    }

    /// A cast names the type, lower() the collation, and a rollback advances the sequences of the
    /// source.
    @Test
    void bothSidesNeedTheSchemasOfTypesAndCollationsAndTheSequences() {
        List<RoleGrants> grants = grants("", "");
        String types = "format('GRANT USAGE ON SCHEMA %I TO %I', r.nspname, ";
        String sequences = "format('GRANT SELECT, UPDATE ON SEQUENCE %s TO %I', r.name, ";

        for (RoleGrants reading :
                List.of(of(grants, Use.CAPTURE, Side.SOURCE), of(grants, Use.APPLY, Side.TARGET))) {
            assertThat(reading.statements())
                    .anyMatch(
                            each ->
                                    each.contains("typbasetype")
                                            && each.contains("collnamespace")
                                            && each.contains(types));
        }
        for (Side side : Side.values()) {
            assertThat(of(grants, Use.SWITCHOVER, side).statements())
                    .anyMatch(each -> each.contains(sequences));
        }
    }

    @Test
    void aQueryWithoutARoleIsNamed() {
        List<RoleGrants> grants =
                grants("", "queries:\n- {name: q, old: SELECT 1, new: SELECT 1}\n");

        for (Side side : Side.values()) {
            RoleGrants found = of(grants, Use.RECONCILE, side);
            assertThat(found.statements()).isEmpty();
            assertThat(found.notes())
                    .singleElement()
                    .asString()
                    .startsWith("Query q has no role: grant the login");
        }
    }

    @Test
    void aWildcardIsAWholeSchema() {
        List<RoleGrants> grants = grants("", "  public.*: SELECT * FROM legacy.*\n");

        assertThat(of(grants, Use.CAPTURE, Side.SOURCE).statements())
                .contains("GRANT SELECT ON ALL TABLES IN SCHEMA \"legacy\" TO \"cap\";");
        assertThat(of(grants, Use.APPLY, Side.TARGET).statements())
                .contains(
                        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"public\" TO"
                                + " \"apply\";");
    }

    @Test
    void aNameDoesNotEndABlockThatItIsIn() {
        List<RoleGrants> grants = grants("", "  '\"a$millrace$b\".*': SELECT * FROM legacy.*\n");

        assertThat(of(grants, Use.APPLY, Side.TARGET).statements())
                .filteredOn(each -> each.contains("$b"))
                .filteredOn(each -> each.startsWith("DO "))
                .isNotEmpty()
                .allSatisfy(
                        block -> {
                            String tag = block.substring(3, block.indexOf('\n'));
                            assertThat(block.split(Pattern.quote(tag), -1)).hasSize(3);
                        });
    }

    @Test
    void onlyChosenTablesNeedAnOwnerForTheirIndexes() {
        assertThat(grants("", "indexes: after-backfill\n"))
                .filteredOn(each -> each.use() == Use.DDL)
                .singleElement()
                .satisfies(
                        each ->
                                assertThat(each.statements())
                                        .contains("GRANT CREATE ON SCHEMA \"crm\" TO \"apply\";"));
    }

    @Test
    void anExternalFenceNeedsNoOwnerOnTheSource() {
        List<RoleGrants> grants = grants("", "switchover: {fence: external}\n");

        assertThat(of(grants, Use.SWITCHOVER, Side.SOURCE).statements())
                .noneMatch(statement -> statement.contains("rolsuper"))
                .contains("GRANT INSERT, UPDATE, DELETE ON \"public\".\"users\" TO \"cap\";");
        assertThat(of(grants, Use.SWITCHOVER, Side.TARGET).statements())
                .anyMatch(statement -> statement.contains("rolsuper"));
    }
}
