import { describe, expect, test } from 'vitest';
import { EXAMPLES } from './examples.ts';
import { openApiDocument } from './openapi.ts';
import { ROUTES } from './routes/all.ts';
import { clientOf, schemaErrors } from './test-client.ts';
import { TestSite } from './test-site.ts';

const document = JSON.parse(JSON.stringify(openApiDocument(ROUTES, '1.2.3')));

describe('the OpenAPI document', () => {
  test('is served, and describes every route once', async () => {
    await using site = new TestSite();
    await using client = await clientOf(site);
    const { json } = await client.get('/api/v1/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    const described = Object.entries<object>(json.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(
      ROUTES.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`).sort(),
    );
    expect(new Set(ROUTES.map(({ name }) => name)).size).toBe(ROUTES.length);
  });

  test('points only at schemas that it has', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
    const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect(refs.filter((ref) => ref !== undefined && !known.includes(ref))).toEqual([]);
    expect(refs.length).toBeGreaterThan(50);
  });

  test('has examples that are what their schemas say', async () => {
    for (const [name, example] of Object.entries(EXAMPLES)) {
      expect(document.components.schemas[name]?.examples, name).toEqual([example]);
      expect(await schemaErrors(`#/components/schemas/${name}`, example), name).toEqual([]);
    }
  });

  test('refuses an answer that is not what it says', async () => {
    const { id: _id, ...build } = Object(EXAMPLES.Build);
    expect(await schemaErrors('#/components/schemas/Build', build)).not.toEqual([]);
    expect(await schemaErrors('#/components/schemas/Build', { ...build, id: '17' })).not.toEqual([]);
  });

  test('tells of parameters, bodies and refusals', () => {
    const { parameters } = document.paths['/api/v1/builds'].get;
    expect(parameters.find(({ name }: { name: string }) => name === 'limit')).toMatchObject({
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
    });
    const force = document.paths['/api/v1/schedulers/{name}/force'].post;
    expect(force.requestBody.content['application/json'].schema).toEqual({ $ref: '#/components/schemas/ForceBody' });
    expect(force.responses[422].description).toContain('bad_form');
    expect(document.components.schemas.ForceBody.required).toBeUndefined();
  });
});
