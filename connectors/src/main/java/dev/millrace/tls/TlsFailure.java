package dev.millrace.tls;

import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/// Why a client of PostgreSQL or Kafka refuses the certificate of a server, found in the chain of
/// causes of its failure. Thread-safe.
public enum TlsFailure {
    EXPIRED("the server's certificate has expired", "Replace the server's certificate."),
    NOT_YET_VALID(
            "the server's certificate is not valid yet",
            "Check the clock of this machine, or replace the server's certificate."),
    OTHER_HOST(
            "the server's certificate is for another host name",
            "Use a host name of the certificate in {address}, or issue one with this name."),
    UNTRUSTED(
            "the server's certificate is not from a trusted authority",
            "Set {authority} to the certificate of the server's authority."),
    HANDSHAKE(
            "the TLS handshake fails",
            "Check the TLS settings of the server, and those in {address}.");

    private static final int LONGEST_CHAIN = 20;

    private final String what;
    private final String remedy;

    TlsFailure(String what, String remedy) {
        this.what = what;
        this.remedy = remedy;
    }

    /// @return empty if the failure is not one of TLS
    public static Optional<TlsFailure> of(Throwable failure) {
        Optional<TlsFailure> found = Optional.empty();
        Throwable current = failure;
        for (int depth = 0; current != null && depth < LONGEST_CHAIN; depth++) {
            Optional<TlsFailure> here = ofOne(current);
            // The most specific one.
            found = Stream.of(found, here).flatMap(Optional::stream).min(Comparator.naturalOrder());
            current = current.getCause();
        }
        return found;
    }

    private static Optional<TlsFailure> ofOne(Throwable failure) {
        return switch (failure) {
            case CertificateExpiredException _ -> Optional.of(EXPIRED);
            case CertificateNotYetValidException _ -> Optional.of(NOT_YET_VALID);
            case CertPathBuilderException _, CertPathValidatorException _ -> Optional.of(UNTRUSTED);
            case SSLException _ -> Optional.of(isAboutHost(failure) ? OTHER_HOST : HANDSHAKE);
            default -> isAboutHost(failure) ? Optional.of(OTHER_HOST) : Optional.empty();
        };
    }

    /// The JDK's messages are not translated. The driver's are, but the name of its class is not.
    private static boolean isAboutHost(Throwable failure) {
        String message = String.valueOf(failure.getMessage());
        return message.contains("No subject alternative ")
                || message.contains("No name matching ")
                || message.contains("PgjdbcHostnameVerifier");
    }

    /// What is wrong, as the rest of a sentence.
    public String what() {
        return what;
    }

    /// @param address the setting with the server's address
    /// @param authority the setting that names the trusted authority
    public String remedy(String address, String authority) {
        return remedy.replace("{address}", address).replace("{authority}", authority);
    }
}
