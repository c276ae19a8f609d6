package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.Providers.BenchLauncher;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.spec.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class LocalVerbsTest {

    private static final String HEAD =
            """
            migration: shop
            source: {url: 'jdbc:postgresql://localhost/shop', username: a, password: '${PASSWORD}'}
            target: {url: 'jdbc:postgresql://localhost/crm', username: a}
            tables:
            """;
    private static final String VALID = HEAD + "  crm.t: SELECT id FROM public.t\n";

    @TempDir private Path folder;

    @Test
    void validatesAFile() throws IOException {
        Invocation verb = environment().run("validate", "-c", file(VALID));

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out()).endsWith("is valid: migration shop, 1 entry under tables\n");
        assertThat(verb.err()).isEmpty();
    }

    @Test
    void validateReportsEveryProblemWithItsPosition() throws IOException {
        String file = file(VALID + "debezium: {slot.name: x}\nkafka: {partition: 3}\n");

        Invocation verb = new Invocation().run("validate", "-c", file);

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.out()).isEmpty();
        assertThat(verb.err().lines())
                .containsExactly(
                        file
                                + ":2:75: source.password: the environment variable PASSWORD is not"
                                + " set",
                        file
                                + ":6:12: debezium[\"slot.name\"]: is set by Millrace: it is"
                                + " derived from 'migration' (remove it)",
                        file + ":7:9: kafka.partition: unknown key (did you mean partitions?)",
                        "3 problems");
    }

    @Test
    void validateReportsProblemsOfASelectAtTheirPositionInTheFile() throws IOException {
        String file =
                file(
                        HEAD
                                + "  crm.t: |\n    SELECT id,\n           a LIKE FROM public.t\n"
                                + "  crm.u: SELECT DISTINCT id FROM public.u\n");

        Invocation verb = environment().run("validate", "-c", file);

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err().lines())
                .anySatisfy(
                        line -> assertThat(line).startsWith(file + ":7:19: tables[\"crm.t\"]: "))
                .anySatisfy(
                        line ->
                                assertThat(line)
                                        .startsWith(
                                                file
                                                        + ":8:17: tables[\"crm.u\"]: DISTINCT is"
                                                        + " not"
                                                        + " supported ("))
                .endsWith("2 problems");
    }

    @Test
    void validateReportsProblemsOfTheFormAndOfEverySelectTogether() throws IOException {
        String file =
                file(
                        HEAD.replace("migration: shop", "migration: Shop")
                                + "  crm.t: SELECT id, md5(a) AS h, b AS h FROM public.t\n"
                                + "  Crm.u: SELECT id, nosuch(a) AS x FROM public.u\n"
                                + "  crm.v: SELECT id, v, FROM public.v\n"
                                + "kafka: {partition: 3}\n");

        Invocation verb = environment().run("validate", "-c", file);

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err().lines().map(line -> line.replace(file, "f")))
                .satisfiesExactly(
                        line -> assertThat(line).startsWith("f:1:12: migration: 'Shop' cannot"),
                        line ->
                                assertThat(line)
                                        .startsWith("f:5:21: tables[\"crm.t\"]: the function md5"),
                        line ->
                                assertThat(line)
                                        .startsWith(
                                                "f:5:34: tables[\"crm.t\"]: two result columns"),
                        line -> assertThat(line).startsWith("f:6:3: tables[\"Crm.u\"]: has upper"),
                        line ->
                                assertThat(line)
                                        .startsWith(
                                                "f:6:21: tables[\"Crm.u\"]: the function nosuch"),
                        line ->
                                assertThat(line)
                                        .startsWith("f:7:24: tables[\"crm.v\"]: syntax error"),
                        line -> assertThat(line).startsWith("f:8:9: kafka.partition: unknown key"),
                        line -> assertThat(line).isEqualTo("7 problems"));
    }

    @Test
    void validatesIntoJson() throws IOException {
        JsonNode good =
                JsonMapper.shared()
                        .readTree(
                                environment()
                                        .run("validate", "-o", "json", "-c", file(VALID))
                                        .out());
        Invocation verb = environment().run("validate", "-o", "json", "-c", file("a: b"));
        JsonNode bad = JsonMapper.shared().readTree(verb.out());

        assertThat(good.get("valid").asBoolean()).isTrue();
        assertThat(good.get("specHash").asString()).hasSize(64);
        assertThat(bad.get("valid").asBoolean()).isFalse();
        assertThat(bad.get("problems").get(0).get("line").asInt()).isEqualTo(1);
        assertThat(bad.get("problems").get(0).get("message").asString()).isEqualTo("unknown key");
        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void grantsPrintsSqlForOneSideAndRole() throws IOException {
        String file = file(VALID);

        Invocation verb = environment().run("grants", "-c", file, "--side", "source");

        assertThat(verb.exitCode()).isZero();
        assertThat(verb.out())
                .startsWith("-- source, database shop: login a, capture (")
                .contains("\nGRANT SELECT ON \"public\".\"t\" TO \"a\";\n")
                .contains("\n-- source, database shop: login a, switchover (")
                .doesNotContain("-- target");
        assertThat(
                        environment()
                                .run("grants", "-c", file, "--role", "apply")
                                .out()
                                .lines()
                                .filter(line -> line.startsWith("-- ")))
                .singleElement()
                .asString()
                .startsWith("-- target, database crm: login a, apply (");
        JsonNode json =
                JsonMapper.shared()
                        .readTree(environment().run("grants", "-c", file, "-o", "json").out());
        assertThat(json.get(0).get("role").asString()).isEqualTo("capture");
        assertThat(json.get(0).get("statements").isEmpty()).isFalse();
        assertThat(environment().run("grants", "-c", file, "--role", "ddl").err())
                .isEqualTo("The file needs no such privilege.\n");
    }

    /// An administrator runs the output; a comment must not end inside a name.
    @Test
    void grantsCommentsEveryLineOfAName() throws IOException {
        String file = file(VALID.replace("username: a", "username: \"a\\nDROP TABLE t;\\rDROP\""));

        assertThat(environment().run("grants", "-c", file, "--side", "source").out())
                .contains("login a\n-- DROP TABLE t;\n-- DROP, capture (");
    }

    @Test
    void schemaPrintsOnlyTheSchema() {
        Invocation verb = new Invocation().run("schema");

        assertThat(JsonMapper.shared().readTree(verb.out()).get("$schema").asString())
                .isEqualTo("https://json-schema.org/draft/2020-12/schema");
        assertThat(verb.err()).isEmpty();
    }

    @Test
    void runPassesTheSpecAndTheAddressToTheService() throws IOException {
        List<ServiceAddress> addresses = new ArrayList<>();
        Providers providers =
                new Providers(
                        () ->
                                (file, options) -> {
                                    assertThat(file.spec().source().password().reveal())
                                            .isEqualTo("x");
                                    assertThat(file.hash()).hasSize(64);
                                    assertThat(options.debug()).isTrue();
                                    assertThat(options.rebackfill()).isTrue();
                                    addresses.add(options.address());
                                    return 42;
                                },
                        null,
                        null,
                        null);

        Invocation verb =
                environment()
                        .with(providers)
                        .run("run", "--debug", "--rebackfill", "--port", "0", "-c", file(VALID));

        assertThat(verb.exitCode()).isEqualTo(42);
        assertThat(addresses).containsExactly(new ServiceAddress("127.0.0.1", 0, Secret.NONE));
    }

    @Test
    void startsNothingForAnInvalidFileOrWithoutARequiredToken() throws IOException {
        Providers providers =
                new Providers(
                        () -> {
                            throw new AssertionError("nothing may start");
                        },
                        () -> {
                            throw new AssertionError("nothing may start");
                        },
                        null,
                        null);

        Invocation invalid = environment().with(providers).run("run", "-c", file("a: b"));
        Invocation plan =
                environment()
                        .with(providers)
                        .run("plan", "-c", file(HEAD + "  crm.t: SELECT DISTINCT id FROM t\n"));
        Invocation open =
                environment().with(providers).run("run", "--bind", "0.0.0.0", "-c", file(VALID));

        assertThat(invalid.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(invalid.err()).contains("Nothing was started").contains(":1:1: a: unknown key");
        assertThat(plan.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(plan.err()).contains(":5:17: ");
        assertThat(open.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(open.err()).contains("MILLRACE_TOKEN");
    }

    @Test
    void listensOnOtherAddressesOnlyWithAToken() throws IOException {
        Providers providers =
                new Providers(() -> (_, options) -> tokenOf(options.address()), null, null, null);

        Invocation verb =
                new Invocation()
                        .with(Map.of("PASSWORD", "x", "MILLRACE_TOKEN", "s3cret"))
                        .with(providers)
                        .run("run", "--bind", "0.0.0.0", "-c", file(VALID));

        assertThat(verb.exitCode()).isEqualTo("s3cret".length());
    }

    @Test
    void aCommandWithoutProviderDoesNotExist() {
        for (String verb : List.of("run", "plan", "demo")) {
            Invocation invocation = new Invocation().run(verb);
            assertThat(invocation.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(invocation.err()).contains("'" + verb + "'");
        }
        assertThat(new Invocation().run("--help").out()).doesNotContain("demo");
    }

    @Test
    void reportsUnknownCommandsAndOptions() {
        assertThat(new Invocation().run().exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(new Invocation().run("statsu").err())
                .contains("Did you mean: millrace status", "See: millrace --help");
        assertThat(new Invocation().run("frobnicate").err())
                .startsWith("millrace: Unknown command 'frobnicate'.")
                .contains("See: millrace --help");
        assertThat(new Invocation().run("log").err()).contains("--topic").contains("log --help");
        assertThat(new Invocation().run("log", "--topic", "x").exitCode())
                .isEqualTo(ExitCode.USAGE);
    }

    @Test
    void benchRefusesAnUnknownMeasureOrPeerAndNamesTheKnownOnes() {
        Providers providers =
                new Providers(
                        null,
                        null,
                        null,
                        () -> {
                            throw new AssertionError("nothing may start");
                        });

        Invocation measure = new Invocation().with(providers).run("bench", "speed");
        Invocation peer = new Invocation().with(providers).run("bench", "--peer", "carrier");

        assertThat(measure.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(measure.err()).contains("'speed'", "catchup");
        assertThat(peer.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(peer.err()).contains("'carrier'", "connect-jdbc");
    }

    @Test
    void benchPassesItsOptions() {
        List<BenchLauncher.Options> passed = new ArrayList<>();
        Providers providers =
                new Providers(
                        null,
                        null,
                        null,
                        () ->
                                (options, _) -> {
                                    passed.add(options);
                                    return 42;
                                });

        Invocation all = new Invocation().with(providers).run("bench", "--out", "x");
        Invocation some =
                new Invocation()
                        .with(providers)
                        .run("bench", "catchup", "--quick", "--peer", "native,connect-jdbc");

        assertThat(List.of(all.exitCode(), some.exitCode())).containsOnly(42);
        assertThat(passed.getFirst().measures()).containsExactly(Measure.values());
        assertThat(passed.getFirst().peers()).isNull();
        assertThat(passed.getFirst().out()).hasToString("x");
        assertThat(passed.getLast().measures()).containsExactly(Measure.CATCHUP);
        assertThat(passed.getLast().peers()).containsExactly(Peer.NATIVE, Peer.CONNECT_JDBC);
        assertThat(passed.getLast().quick()).isTrue();
    }

    @Test
    void showsAnInternalErrorWithAStackTraceOnlyForDebug() {
        Providers providers =
                new Providers(
                        null,
                        null,
                        () -> {
                            throw new IllegalStateException("a row's value");
                        },
                        null);

        Invocation quiet = new Invocation().with(providers).run("demo");
        Invocation loud = new Invocation().with(providers).run("demo", "--debug");

        assertThat(quiet.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(quiet.err()).contains("--debug").doesNotContain("\tat ", "a row's value");
        assertThat(loud.err()).contains("\tat ");
    }

    private static int tokenOf(ServiceAddress address) {
        return address.token().reveal().length();
    }

    private static Invocation environment() {
        return new Invocation().with(Map.of("PASSWORD", "x"));
    }

    private String file(String text) throws IOException {
        return Files.writeString(folder.resolve("millrace.yaml"), text).toString();
    }
}
