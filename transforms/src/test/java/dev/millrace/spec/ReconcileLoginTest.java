package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static dev.millrace.spec.SpecTexts.withSource;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.MigrationSpec.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The login of comparisons, which each side may declare.
class ReconcileLoginTest {

    @Test
    void withoutOneComparisonsHaveTheLoginOfTheSide() {
        Endpoint source = valid(VALID, Map.of()).spec().source();

        assertThat(source.reconcile()).isEmpty();
        assertThat(source.compared()).isSameAs(source);
    }

    @Test
    void isOfItsSideAndHasItsDatabase(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), "first\n");
        MigrationSpec spec =
                valid(
                                withSource(
                                        "reconcile: {username: reader, password-file: '%s'}"
                                                .formatted(file)),
                                Map.of())
                        .spec();

        Endpoint compared = spec.source().compared();

        assertThat(compared.url()).isEqualTo(spec.source().url());
        assertThat(compared.username()).isEqualTo("reader");
        assertThat(compared.password().reveal()).isEqualTo("first");
        assertThat(spec.source().username()).isEqualTo("millrace");
        assertThat(spec.target().reconcile()).isEmpty();
        Files.writeString(file, "second\n");
        assertThat(compared.password().reveal()).as("rotated").isEqualTo("second");
    }

    @Test
    void neverPrintsItsPassword() {
        MigrationSpec spec =
                valid(withSource("reconcile: {username: reader, password: hunter2}"), Map.of())
                        .spec();

        assertThat(spec.toString()).contains("reader").doesNotContain("hunter2");
    }

    @Test
    void itDoesNotChangeWhatTheFileMeans() {
        assertThat(valid(withSource("reconcile: {username: reader, password: x}"), Map.of()).hash())
                .isEqualTo(valid(VALID, Map.of()).hash());
    }

    @Test
    void refusesWhatCannotLogInOrIsNoOtherRole() {
        assertThat(problems(withSource("reconcile: {password: x}")))
                .singleElement()
                .asString()
                .contains("source.reconcile.username: is missing");
        assertThat(problems(withSource("reconcile: {username: ' '}")))
                .singleElement()
                .asString()
                .contains("source.reconcile.username: is empty");
        assertThat(problems(withSource("reconcile: {username: millrace}")))
                .singleElement()
                .asString()
                .contains("is the role that everything else connects as");
        assertThat(problems(withSource("reconcile: {username: r, password-file: /absent/file}")))
                .singleElement()
                .asString()
                .contains("source.reconcile.password-file: there is no such file");
        assertThat(problems(withSource("reconcile: {username: r, url: x}")).getFirst())
                .contains("unknown key");
    }
}
