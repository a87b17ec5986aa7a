#!/usr/bin/env node
// Plain JavaScript: what is read before the cache is on costs every command as much as all the rest of its start.
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('../src/stratum0/main.ts');
