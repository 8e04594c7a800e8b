import {
  type Metadata,
  Metadata as GrpcMetadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { TestAuthority } from './test-authority.ts';

const asIs = { serialize: (value: Buffer): Buffer => value, deserialize: (bytes: Buffer): Buffer => bytes };

function method(name: string, requestStream: boolean, responseStream: boolean): object {
  return {
    path: `/echo.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asIs.serialize,
    requestDeserialize: asIs.deserialize,
    responseSerialize: asIs.serialize,
    responseDeserialize: asIs.deserialize,
  };
}

const echoService = {
  Unary: method('Unary', false, false),
  Collect: method('Collect', true, false),
  Expand: method('Expand', false, true),
  Chat: method('Chat', true, true),
  Fail: method('Fail', false, false),
  Hang: method('Hang', false, true),
};

/** A gRPC server of @grpc/grpc-js with one method of each kind; messages are plain bytes. */
export interface GrpcServer {
  readonly port: number;
  /** `authorization` of each call, in order. */
  readonly keys: string[];
  /** Calls that their client cancelled. */
  readonly cancelled: string[];
  close(): void;
}

/** Starts a gRPC server for a host on a free port of 127.0.0.1. */
export async function startGrpcServer(authority: TestAuthority, host: string): Promise<GrpcServer> {
  const { key, cert } = authority.issue([host]);
  const keys: string[] = [];
  const cancelled: string[] = [];
  const note = (metadata: Metadata): void => void keys.push(String(metadata.get('authorization')[0] ?? ''));
  const server = new Server();
  server.addService(
    echoService as never,
    {
      Unary(call: ServerUnaryCall<Buffer, Buffer>, give: sendUnaryData<Buffer>) {
        note(call.metadata);
        const trailer = new GrpcMetadata();
        trailer.set('x-trailer', 'of-unary');
        give(null, Buffer.from(`unary ${call.request.toString()}`), trailer);
      },
      Collect(call: ServerReadableStream<Buffer, Buffer>, give: sendUnaryData<Buffer>) {
        note(call.metadata);
        const parts: string[] = [];
        call.on('data', (part: Buffer) => parts.push(part.toString()));
        call.on('end', () => give(null, Buffer.from(parts.join(','))));
      },
      Expand(call: ServerWritableStream<Buffer, Buffer>) {
        note(call.metadata);
        for (const part of call.request.toString().split(',')) call.write(Buffer.from(part));
        call.end();
      },
      Chat(call: ServerDuplexStream<Buffer, Buffer>) {
        note(call.metadata);
        call.on('data', (part: Buffer) => call.write(Buffer.from(part.toString().toUpperCase())));
        call.on('end', () => call.end());
      },
      Fail(call: ServerUnaryCall<Buffer, Buffer>, give: sendUnaryData<Buffer>) {
        note(call.metadata);
        give({ code: status.NOT_FOUND, details: 'no such thing: 100% gone' });
      },
      Hang(call: ServerWritableStream<Buffer, Buffer>) {
        call.on('cancelled', () => cancelled.push(call.request.toString()));
        call.write(Buffer.from('begun'));
      },
    } as never,
  );
  const credentials = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) },
  ]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { port, keys, cancelled, close: () => server.forceShutdown() };
}
