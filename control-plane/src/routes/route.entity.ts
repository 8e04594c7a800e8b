import { documentEntity } from '../configuration/document.entity.ts';

export const RouteEntity = documentEntity('route');
