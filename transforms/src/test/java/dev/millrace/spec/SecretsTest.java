package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static dev.millrace.spec.SpecTexts.withSource;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Passwords are read from their sources and never printed.
class SecretsTest {

    @Test
    void readsPasswordFromFileWithoutNewline(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), "hunter2 \n");

        MigrationSpec spec = valid(withSource("password-file: " + file), Map.of()).spec();

        assertThat(spec.source().password().reveal()).isEqualTo("hunter2 ");
    }

    @Test
    void readsARotatedPasswordAgainAndKeepsTheLastOneWithoutAFile(@TempDir Path folder)
            throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), "first");
        Secret password =
                valid(withSource("password-file: " + file), Map.of()).spec().source().password();

        Files.writeString(file, "second\n");
        assertThat(password.reveal()).isEqualTo("second");

        Files.writeString(file, "");
        assertThat(password.reveal()).isEqualTo("second");

        Files.delete(file);
        assertThat(password.reveal()).isEqualTo("second");
    }

    @Test
    void refusesUnreadablePasswords(@TempDir Path folder) throws IOException {
        Path empty = Files.writeString(folder.resolve("empty"), "\n");
        Path binary = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xff, 1});

        assertThat(problems(withSource("password-file: " + empty)).getFirst()).contains("is empty");
        assertThat(problems(withSource("password-file: " + binary)).getFirst()).contains("UTF-8");
        assertThat(problems(withSource("password-file: " + folder)).getFirst())
                .contains("is a directory");
        assertThat(problems(withSource("password-file: " + folder.resolve("absent"))).getFirst())
                .contains("there is no such file");
        assertThat(problems(withSource("password: ''")).getFirst()).contains("is empty");
        assertThat(problems(withSource("password: hunter2\n  password-file: x")))
                .contains(
                        "m.yaml:4:3: source.password-file: cannot be combined with password"
                                + " (keep at most one of the two)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:postgresql://millrace:hunter2@localhost/shop",
                "jdbc:postgresql://localhost/shop?user=a&password=hunter2",
                "jdbc:postgresql://localhost/shop?sslpassword=hunter2",
                "jdbc:postgresql://localhost",
                "jdbc:postgresql:///hunter2",
                "jdbc:postgresql://localhost:99999/hunter2",
                "jdbc:postgres://localhost/hunter2",
                "postgresql://hunter2"
            })
    void refusesUrlsWithCredentialsOrWithoutHostAndNeverPrintsThem(String url) {
        assertThat(problems(VALID.replace("jdbc:postgresql://localhost:5432/shop", url)))
                .singleElement()
                .asString()
                .startsWith("m.yaml:3:8: source.url: ")
                .doesNotContain("hunter2");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "password: *hunter2",
                "password: &hunter2",
                "password: !hunter2 x",
                "password: {hunter2",
                "password: \"hunter2\\q\"",
                "password: ${hunter2 }",
                "password: {a: hunter2}",
                "password: %hunter2",
                "password: 'hunter2"
            })
    void neverPrintsSecretOfInvalidFile(String line) {
        assertThat(problems(withSource(line)))
                .isNotEmpty()
                .allSatisfy(problem -> assertThat(problem).doesNotContain("hunter2"));
    }

    @Test
    void neverPrintsValuesOfTheEnvironment() {
        Map<String, String> environment = Map.of("SECRET", "Hunter2");
        String file =
                VALID.replace("shop\n", "${SECRET}\n")
                        .replace("crm.customer", "${SECRET}")
                        .replace("username: millrace", "username: ''");

        assertThat(SpecReader.read("m.yaml", file, environment))
                .isInstanceOfSatisfying(
                        SpecResult.Invalid.class,
                        invalid ->
                                assertThat(invalid.problems())
                                        .hasSizeGreaterThan(2)
                                        .allSatisfy(
                                                problem ->
                                                        assertThat(problem.toString())
                                                                .doesNotContainIgnoringCase(
                                                                        "hunter2")));
    }

    @Test
    void neverPrintsSecretOfValidFile() {
        String file =
                withSource("password: hunter2")
                        + """
                        kafka:
                          bootstrap-servers: a:1, b:2
                          username: millrace
                          password: hunter2
                          properties: {ssl.key.password: hunter2}
                        debezium: {slot.secret: hunter2}
                        """;

        MigrationSpec spec = valid(file, Map.of()).spec();

        assertThat(spec.toString()).doesNotContain("hunter2").contains("ssl.key.password", "***");
    }
}
