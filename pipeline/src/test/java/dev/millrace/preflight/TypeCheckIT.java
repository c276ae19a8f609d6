package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.only;
import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Types whose text would mean something else on the target.
class TypeCheckIT {

    private static final String MAPPING =
            "public.customer: SELECT id, user_name AS full_name, extra FROM public.users";

    private final PreflightScene scene = new PreflightScene();

    private void column(String type) {
        scene.source.execute("ALTER TABLE users ADD extra " + type);
        scene.target.execute("ALTER TABLE customer ADD extra " + type);
    }

    private void both(String statement) {
        scene.source.execute(statement);
        scene.target.execute(statement);
    }

    @ParameterizedTest
    @ValueSource(strings = {"regclass[]", "holder", "holder[]", "named", "named[]"})
    void refusesATypeThatContainsNamesOfObjects(String type) {
        both("CREATE TYPE holder AS (a int, b regclass)");
        both("CREATE DOMAIN named AS regclass");
        column(type);
        List<?> before = scene.traces();

        Finding found = only(scene.plan(MAPPING));

        assertThat(found.status()).isEqualTo(Status.REFUSED);
        assertThat(found.check()).isEqualTo("source.types");
        assertThat(found.object()).isEqualTo("public.users");
        assertThat(found.message())
                .startsWith("the value of extra is " + type + ", which contains regclass");
        assertThat(found.remedy()).contains("ALTER COLUMN \"extra\" TYPE text");
        assertThat(scene.traces()).isEqualTo(before);
    }

    @Test
    void acceptsTheTableWithoutTheColumn() {
        column("regclass");

        assertThat(open(scene.plan())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mood", "mood[]", "moody", "holder"})
    void refusesAnEnumWithoutALabelUntilItIsAdded(String type) {
        scene.source.execute("CREATE TYPE mood AS ENUM ('a', 'b', 'it''s', 'c')");
        scene.target.execute("CREATE TYPE mood AS ENUM ('a', 'c', 'b', 'more')");
        both("CREATE DOMAIN moody AS mood");
        both("CREATE TYPE holder AS (a int, b mood)");
        column(type);
        List<?> before = scene.traces();

        Finding found = only(scene.plan(MAPPING));

        assertThat(found.check()).isEqualTo("target.types");
        assertThat(found.object()).isEqualTo("public.customer");
        assertThat(found.message())
                .isEqualTo("the enum mood of column extra has no label it's, which the source has");
        assertThat(scene.traces()).isEqualTo(before);
        scene.target.execute(found.remedy());
        assertThat(open(scene.plan(MAPPING))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pair|(a int, b int)|(b int, a int)|b integer, a integer|a integer, b integer",
                "pair|(a numeric(12,2))|(a numeric(10,2))|a numeric(10,2)|a numeric(12,2)",
                "pair|(a int, b text)|(a int)|a integer|a integer, b text",
                "spans|RANGE (subtype = int4)|RANGE (subtype = int8)|int8|int4"
            })
    void refusesATypeThatIsDefinedInAnotherWay(String types) {
        String[] parts = types.split("\\|");
        scene.source.execute("CREATE TYPE " + parts[0] + " AS " + parts[1]);
        scene.target.execute("CREATE TYPE " + parts[0] + " AS " + parts[2]);
        column(parts[0]);
        List<?> before = scene.traces();

        Finding found = only(scene.plan(MAPPING));

        assertThat(scene.traces()).isEqualTo(before);
        assertThat(found.check()).isEqualTo("target.types");
        assertThat(found.message())
                .contains(
                        "the type " + parts[0] + " of column extra consists of (" + parts[3],
                        "on the source of (" + parts[4]);
        assertThat(found.remedy()).isNotBlank();
    }

    /// The schemas of a type may differ.
    @Test
    void acceptsTheSameTypeInAnotherSchema() {
        both("CREATE SCHEMA other");
        scene.target.execute("GRANT USAGE ON SCHEMA other TO " + scene.role);
        scene.source.execute(
                "CREATE TYPE mood AS ENUM ('a')",
                "CREATE TYPE pair AS (a mood[], b text)",
                "ALTER TABLE users ADD extra pair");
        scene.target.execute(
                "CREATE TYPE other.mood AS ENUM ('a', 'b')",
                "CREATE TYPE other.pair AS (a other.mood[], b text)",
                "ALTER TABLE customer ADD extra other.pair");

        assertThat(open(scene.plan(MAPPING))).isEmpty();
    }
}
