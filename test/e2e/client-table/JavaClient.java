// Runs Java's own HTTP client through the gateway: it sends no proxy credentials, so its address says who it is.
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

class JavaClient {
  static final String AUTHORIZATION = "Bearer onecli://prod/openai";

  public static void main(String[] arguments) throws Exception {
    var proxy = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0]));
    var client = HttpClient.newBuilder().proxy(ProxySelector.of(proxy)).build();
    var json = client.send(request("/json").build(), BodyHandlers.ofString());
    var stream = client.send(request("/stream").build(), BodyHandlers.ofLines());
    var content = new byte[300_000];
    var upload = request("/upload").POST(HttpRequest.BodyPublishers.ofByteArray(content)).build();
    var uploaded = client.send(upload, BodyHandlers.ofString());
    System.out.printf(
        "{\"json\":\"%s\",\"stream\":\"%s\",\"upload\":\"%s\"}%n",
        json.body().contains("true") ? "ok" : json.body().replace('"', ' ').strip(),
        stream.body().filter(line -> line.startsWith("data: ")).count() == 3 ? "ok" : "the answer was another",
        uploaded.body().contains("300000") ? "ok" : uploaded.body().replace('"', ' ').strip());
  }

  static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("https://api.example.com" + path)).header("Authorization", AUTHORIZATION);
  }
}
