package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.only;
import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `reverse` in the file, checked against both databases, and what `plan` says of it.
class ReverseIT {

    private static final String ENTRY =
            """
            public.customer:
              select: SELECT id, user_name AS full_name, lower(email) AS email FROM public.users
              reverse: [%s]
            """;

    private final PreflightScene scene = new PreflightScene();

    private PreflightReport plan(String reverse) {
        return scene.plan(ENTRY.formatted(reverse));
    }

    private Finding inverse(PreflightReport report) {
        assertThat(report.accepted()).as(open(report).toString()).isTrue();
        return report.findings().stream()
                .filter(found -> found.check().equals("mapping.inverse"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void saysWhichColumnsAreDeclaredAndThatThisIsNotProved() {
        Finding some = inverse(plan("'SELECT id, email FROM public.customer'"));

        assertThat(some.status()).isEqualTo(Status.OK);
        assertThat(some.message())
                .isEqualTo(
                        "columns that come back from the target: exactly: id, user_name; by reverse,"
                                + " not proved: email; not at all: age (no target column is"
                                + " computed from it)");
        assertThat(some.isDetailed()).isTrue();

        Finding all =
                inverse(
                        plan(
                                "'SELECT id, upper(email) AS email FROM public.customer',"
                                        + " 'SELECT id, CAST(NULL AS int) AS age FROM"
                                        + " public.customer'"));
        assertThat(all.message())
                .isEqualTo(
                        "columns that come back from the target: exactly: id, user_name; by reverse,"
                                + " not proved: email, age");
        assertThat(all.remedy()).startsWith("Check the SELECTs of reverse");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "SELECT id, email FROM public.users | millrace.yaml:8:38 |"
                        + " must read the target table of its entry",
                "SELECT id, emial AS email FROM public.customer | millrace.yaml:8:27 |"
                        + " public.customer has no column emial",
                "SELECT id, full_name FROM public.customer | millrace.yaml:8:27 |"
                        + " public.users has no column full_name",
                "SELECT id, id AS age FROM public.customer | millrace.yaml:8:27 |"
                        + " bigint does not fit age of public.users, which is integer",
                "SELECT email FROM public.customer | millrace.yaml:8:34 |"
                        + " does not supply id, which is part of the key of public.users"
            })
    void reportsWrongReverseSelectWithItsPosition(String select, String at, String message) {
        Finding found = only(plan("'" + select + "'"));

        assertThat(found.status()).isEqualTo(Status.MISCONFIGURED);
        assertThat(found.object()).isEqualTo(at);
        assertThat(found.message())
                .startsWith("tables[\"public.customer\"].reverse[0]: ")
                .contains(message);
    }

    @Test
    void refusesReverseSelectOverAnotherTableOfTheTarget() {
        scene.target.execute(
                "CREATE TABLE users (id bigint PRIMARY KEY, email text)",
                "ALTER TABLE users OWNER TO " + scene.role);

        assertThat(only(plan("'SELECT id, email FROM users'")).message())
                .contains("must read the target table of its entry");
        assertThat(open(plan("'SELECT id, email FROM customer'"))).isEmpty();
    }

    @Test
    void refusesColumnThatTwoReverseSelectsSupply() {
        assertThat(
                        only(plan(
                                        "'SELECT id, email FROM public.customer',"
                                                + " 'SELECT id, upper(email) AS email FROM"
                                                + " public.customer'"))
                                .message())
                .contains(
                        "reverse[1]: column email of public.users is already supplied by a reverse"
                                + " SELECT over public.customer");

        scene.target.execute(
                "CREATE TABLE other (id bigint PRIMARY KEY, email text)",
                "ALTER TABLE other OWNER TO " + scene.role);
        String both =
                ENTRY.formatted("'SELECT id, email FROM public.customer'")
                        + """
                        public.other:
                          select: SELECT id, email FROM public.users WHERE age > 1
                          reverse: ['SELECT id, email FROM public.other']
                        """;
        assertThat(only(scene.plan(both.replace(" WHERE age > 1", ""))).message())
                .contains("already supplied by a reverse SELECT over public.customer");
        assertThat(open(scene.plan(both))).as("tables with a WHERE may have other rows").isEmpty();
    }

    @Test
    void provesOnTheTargetThatPostgresReadsTheSelectAsMillraceDoes() {
        String select = "'SELECT id, upper(nick) AS email FROM public.customer'";
        scene.target.execute("ALTER TABLE customer ADD nick varchar(9)");
        assertThat(open(plan(select))).isEmpty();

        scene.target.execute(
                "CREATE FUNCTION public.upper(varchar) RETURNS int LANGUAGE sql AS 'SELECT 1'");
        assertThat(only(plan(select)).message())
                .contains(
                        "reverse[0]: PostgreSQL gives email the type int4, Millrace gives it text");
    }
}
