package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableRule.Truncation;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.mapping.WayBack;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.spec.source.TruncateSetting;
import dev.millrace.spec.source.TruncateSetting.Truncate;
import dev.millrace.stream.ReplicationStream.Tables;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Whether the changes of the target come back to each source table, compiled against both
/// databases.
class WayBackIT {

    private static final String CUSTOMER =
            "public.customer: SELECT id, user_name AS full_name, lower(email) AS email FROM"
                    + " public.users";
    private static final TableId USERS = new TableId("public", "users");

    private final PreflightScene scene = new PreflightScene();

    private static Finding wayBack(PreflightReport report) {
        assertThat(report.accepted()).as(open(report).toString()).isTrue();
        List<Finding> found =
                report.findings().stream()
                        .filter(each -> each.check().equals("switchover.way-back"))
                        .toList();
        assertThat(found).hasSize(1);
        return found.getFirst();
    }

    /// Of the only table.
    private static Truncation truncation(PreflightReport report) {
        return tables(report).rules().values().iterator().next().truncation();
    }

    private static Tables tables(PreflightReport report) {
        return report.reversal().tables("_reverse_shop", TruncateSetting.STANDARD).orElseThrow();
    }

    @Test
    void streamInTheOtherDirectionReadsTheTargetAndWritesTheSource() {
        PreflightReport report = scene.plan(CUSTOMER);

        assertThat(wayBack(report).status()).isEqualTo(Status.OK);
        assertThat(report.reversal().replicaRole()).isEqualTo(ReplicaRole.REPLICA);
        Tables tables = tables(report);
        assertThat(tables.sourceIds()).containsExactly(new TableId("public", "customer"));
        assertThat(tables.targetIds()).containsExactly(USERS);
        Mapping mapping = tables.mappings().getFirst();
        Row changed =
                Row.of(
                        RowSchema.keyed(
                                new TableId("public", "customer"),
                                List.of("id", "full_name", "email"),
                                List.of("id")),
                        "7",
                        "Ann",
                        "a@x");
        assertThat(mapping.mapper().map(changed))
                .isEqualTo(
                        new MappedRow.Upsert(
                                Row.of(
                                        RowSchema.keyed(
                                                USERS,
                                                List.of("id", "user_name", "email"),
                                                List.of("id")),
                                        "7",
                                        "Ann",
                                        "a@x")));
        WayBack.Whole whole = (WayBack.Whole) report.reversal().ways().getFirst();
        assertThat(whole.kept()).containsOnlyKeys("email");
        assertThat(truncation(report)).isEqualTo(new Truncation.Table());
    }

    @Test
    void whereExcludesRowsThatATruncateMustNotDelete() {
        PreflightReport report = scene.plan(CUSTOMER + " WHERE age IS NULL");

        WayBack.Whole whole = (WayBack.Whole) report.reversal().ways().getFirst();
        assertThat(truncation(report)).isEqualTo(new Truncation.Rows("(\"age\" IS NULL)"));
        assertThat(whole.mapping().within()).contains("(\"age\" IS NULL)");
        assertThat(whole.mapping().target().columns()).contains("age");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE users ALTER age SET NOT NULL |"
                        + " age is NOT NULL without a default, and no column of public.customer |"
                        + " Add a SELECT that supplies age to reverse.",
                "ALTER TABLE users ADD n int GENERATED ALWAYS AS"
                        + " (age + 1) STORED NOT NULL, ALTER id ADD GENERATED ALWAYS AS IDENTITY |"
                        + " | ",
                "ALTER TABLE users ADD UNIQUE (email) DEFERRABLE |"
                        + " constraint users_email_key is deferrable | Replace it",
                "CREATE RULE noisy AS ON UPDATE TO users DO ALSO NOTHING |"
                        + " rule noisy rewrites the statements | DROP RULE",
                "REVOKE INSERT, UPDATE ON users FROM CURRENT_OWNER |"
                        + " the role has no INSERT, UPDATE privilege | GRANT INSERT, UPDATE ON",
                "ALTER TABLE users ALTER user_name TYPE varchar(9) | | "
            })
    void saysWhyRowsCannotBeWrittenToTheSource(
            String change, @Nullable String reason, @Nullable String remedy) {
        for (String statement : change.split(";")) {
            scene.source.execute(statement.replace("CURRENT_OWNER", scene.role));
        }
        PreflightReport report =
                scene.plan(CUSTOMER.replace("full_name, lower(email) AS email", "full_name"));
        Finding found = wayBack(report);

        if (reason == null || remedy == null) {
            assertThat(found.status()).as(found.toString()).isEqualTo(Status.OK);
            assertThat(report.reversal().tables("_reverse_shop", TruncateSetting.STANDARD))
                    .isPresent();
        } else {
            assertThat(found.status()).isEqualTo(Status.WARNING);
            assertThat(found.object()).isEqualTo("public.users");
            assertThat(found.message()).startsWith("way back: partial: " + reason);
            assertThat(found.remedy()).startsWith(remedy);
            assertThat(report.reversal().tables("_reverse_shop", TruncateSetting.STANDARD))
                    .isEmpty();
        }
    }

    @Test
    void identityThatNoUpdateMaySetHindersTheWayBack() {
        scene.source.execute("ALTER TABLE users ADD seq int GENERATED ALWAYS AS IDENTITY");
        scene.target.execute("ALTER TABLE customer ADD seq int");
        String copied = "public.customer: SELECT id, user_name AS full_name, seq FROM public.users";

        assertThat(wayBack(scene.plan(copied)).message())
                .contains("column seq is GENERATED ALWAYS AS IDENTITY");
        assertThat(wayBack(scene.plan(CUSTOMER)).status()).isEqualTo(Status.OK);
    }

    @Test
    void reverseSuppliesWhatIsMissing() {
        scene.source.execute("ALTER TABLE users ALTER age SET NOT NULL");
        String declared =
                """
                public.customer:
                  select: SELECT id, user_name AS full_name FROM public.users
                  reverse: ['SELECT c.id, length(c.full_name) AS age FROM public.customer c']
                """;

        PreflightReport report = scene.plan(declared);

        assertThat(wayBack(report).status()).isEqualTo(Status.OK);
        assertThat(tables(report).mappings().getFirst().userText())
                .isEqualTo(
                        "SELECT \"id\" AS \"id\", \"full_name\" AS \"user_name\","
                                + " \"length\"(\"full_name\") AS \"age\" FROM"
                                + " \"public\".\"customer\"");
    }

    /// An operator of the target's own changes what the derived SELECT computes.
    @Test
    void provesOnTheTargetThatPostgresReadsTheDerivedSelectAsMillraceDoes() {
        scene.source.execute("ALTER TABLE users ADD net numeric");
        scene.target.execute("ALTER TABLE customer ADD gross numeric");
        String added =
                "public.customer: SELECT id, user_name AS full_name, net + 1 AS gross FROM"
                        + " public.users";
        assertThat(wayBack(scene.plan(added)).status()).isEqualTo(Status.OK);

        scene.target.execute(
                "CREATE FUNCTION public.subtract(numeric, int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE OPERATOR public.- (FUNCTION = public.subtract, LEFTARG = numeric, RIGHTARG = int)");
        PreflightReport report = scene.plan(added);
        Finding found = wayBack(report);

        assertThat(found.status()).isEqualTo(Status.WARNING);
        assertThat(found.message())
                .startsWith(
                        "way back: partial: the SELECT that reads it back from public.customer"
                                + " cannot be used: ")
                .contains("PostgreSQL gives net the type int4, Millrace gives it numeric");
        assertThat(report.reversal().tables("_reverse_shop", TruncateSetting.STANDARD)).isEmpty();
    }

    @Test
    void partitionedSourceTableIsWrittenByItsRoot() {
        scene.source.execute(
                "DROP TABLE users",
                "CREATE TABLE users (id bigint PRIMARY KEY, user_name text NOT NULL, email text,"
                        + " age int) PARTITION BY HASH (id)",
                "CREATE TABLE users_0 PARTITION OF users FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
                "ALTER TABLE users OWNER TO " + scene.role,
                "ALTER TABLE users_0 OWNER TO " + scene.role);

        assertThat(tables(scene.plan(CUSTOMER)).targetIds()).containsExactly(USERS);
    }

    @Test
    void eachPartOfASplitTableComesBack() {
        scene.target.execute(
                "CREATE TABLE contact (id bigint PRIMARY KEY, email text)",
                "ALTER TABLE contact OWNER TO " + scene.role);

        PreflightReport report =
                scene.plan(
                        "public.customer: SELECT id, user_name AS full_name FROM public.users\n"
                                + "public.contact: SELECT id, email FROM public.users");

        assertThat(wayBack(report).status()).isEqualTo(Status.OK);
        Tables tables = tables(report);
        assertThat(tables.targetIds()).containsExactly(USERS);
        assertThat(tables.mappings())
                .extracting(mapping -> mapping.target().columns())
                .containsExactly(List.of("id", "user_name"), List.of("id", "email"));
        TableRule.PartOfRow second =
                Objects.requireNonNull(tables.rules().get(USERS.withPart("public.contact")))
                        .part()
                        .orElseThrow();
        assertThat(second.incomplete()).isEqualTo(new TableId("millrace", "parts_0__reverse_shop"));
        assertThat(second.columns())
                .isEqualTo(
                        new WayBack.PartOf(
                                1,
                                2,
                                List.of("id", "user_name", "email", "age"),
                                List.of("id", "user_name", "email")));
    }

    /// Each target table gives its own rows back, and a TRUNCATE of it deletes only those.
    @Test
    void twoTablesOwnTheirRowsOfOneSourceTable() {
        scene.source.execute(
                "CREATE TABLE person (id int, region text, email text, PRIMARY KEY (id, region))",
                "ALTER TABLE person OWNER TO " + scene.role);
        StringBuilder spec = new StringBuilder();
        for (String region : List.of("eu", "us")) {
            scene.target.execute(
                    "CREATE TABLE %s (region text, id int, email text, PRIMARY KEY (region, id))"
                            .formatted(region),
                    "ALTER TABLE " + region + " OWNER TO " + scene.role);
            spec.append(
                    "public.%1$s: SELECT region, id, email FROM public.person WHERE region = '%1$s'\n"
                            .formatted(region));
        }

        PreflightReport report = scene.plan(spec.toString());

        assertThat(wayBack(report).status()).as(wayBack(report).toString()).isEqualTo(Status.OK);
        TableId us = new TableId("public", "us");
        assertThat(truncations(report, TruncateSetting.STANDARD))
                .isEqualTo(
                        Map.of(
                                "public.eu",
                                new Truncation.Rows("(\"region\" = 'eu')"),
                                "public.us",
                                new Truncation.Rows("(\"region\" = 'us')")));
        assertThat(
                        truncations(
                                report,
                                new TruncateSetting(Truncate.APPLY, Map.of(us, Truncate.REFUSE))))
                .containsEntry("public.us", new Truncation.Refused())
                .containsEntry("public.eu", new Truncation.Rows("(\"region\" = 'eu')"));
    }

    /// What a TRUNCATE does, by the part of the table.
    private static Map<String, Truncation> truncations(
            PreflightReport report, TruncateSetting truncate) {
        return report
                .reversal()
                .tables("_reverse_shop", truncate)
                .orElseThrow()
                .rules()
                .entrySet()
                .stream()
                .collect(
                        Collectors.toMap(
                                rule -> rule.getKey().part(),
                                rule -> rule.getValue().truncation()));
    }

    @Test
    void fileWithProblemsSaysNothing() {
        PreflightReport report = scene.plan("public.customer: SELECT id, nom FROM public.users");

        assertThat(report.findings())
                .extracting(Finding::check)
                .doesNotContain("switchover.way-back");
        assertThat(report.reversal().tables("_reverse_shop", TruncateSetting.STANDARD)).isEmpty();
    }
}
