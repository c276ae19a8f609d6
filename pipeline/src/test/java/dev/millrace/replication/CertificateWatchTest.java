package dev.millrace.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.certificate.CertificateReader;
import dev.millrace.certificate.CertificateReader.Expiry;
import dev.millrace.postgres.Database;
import dev.millrace.testing.Certificates;
import dev.millrace.testing.Certificates.Period;
import dev.millrace.testing.TestFolders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CertificateWatchTest {

    private static final String NOWHERE = "jdbc:postgresql://127.0.0.1:1/shop?sslmode=";

    /// Its alert would end otherwise, or begin with a time that nobody has read.
    @Test
    void aReadingThatFailsKeepsTheKnownTime() throws Exception {
        Certificates certificates = Certificates.authority();
        Path authority = TestFolders.create("watch").resolve("ca.crt");
        Files.copy(certificates.root(), authority);
        Path api = certificates.server(Period.NOW).certificate();
        Expiry ofApi = new Expiry("api server", CertificateReader.ofFile(api).orElseThrow());
        try (Database source =
                        new Database(
                                "shop",
                                NOWHERE + "verify-full&sslrootcert=" + authority,
                                "ann",
                                "secret");
                Database target = new Database("shop", NOWHERE + "disable", "ann", "secret")) {
            CertificateWatch watch =
                    new CertificateWatch(source, target, Map.of(), Optional.of(api));
            assertThat(watch.certificates()).isEmpty();

            watch.read();

            List<Expiry> known = watch.certificates();
            assertThat(known)
                    .as("the server cannot be reached, so its time is unknown")
                    .containsExactlyInAnyOrder(
                            new Expiry(
                                    "source authority",
                                    CertificateReader.ofFile(authority).orElseThrow()),
                            ofApi);

            Files.writeString(authority, "-----BEGIN CERTIFICATE-----\nbroken\n");
            watch.read();
            assertThat(watch.certificates()).containsExactlyInAnyOrderElementsOf(known);
            Files.delete(authority);
            watch.read();
            assertThat(watch.certificates()).containsExactlyInAnyOrderElementsOf(known);

            Path replaced = certificates.server(Period.EXPIRED).certificate();
            Files.copy(replaced, authority, StandardCopyOption.REPLACE_EXISTING);
            watch.read();
            assertThat(watch.certificates())
                    .containsExactlyInAnyOrder(
                            new Expiry(
                                    "source authority",
                                    CertificateReader.ofFile(replaced).orElseThrow()),
                            ofApi)
                    .isNotEqualTo(known);
        }
    }
}
